# Runs PROGRAM with ARGUMENTS and fails unless it ends with STATUS; one other than 0 must say why.
execute_process(COMMAND ${PROGRAM} ${ARGUMENTS} RESULT_VARIABLE status ERROR_VARIABLE said)
if(NOT status STREQUAL STATUS)
  message(FATAL_ERROR "ended with ${status}, expected ${STATUS}: ${said}")
endif()
if(NOT STATUS EQUAL 0 AND said STREQUAL "")
  message(FATAL_ERROR "ended with ${status} and did not say why")
endif()
