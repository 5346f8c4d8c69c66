# COMPILER, SOURCE, INCLUDES, SENTENCE: fails unless SOURCE compiles, and with POOLMARK_BROKEN
# defined does not, and the compiler says SENTENCE (a regular expression).
set(command ${COMPILER} -std=c++20 -fsyntax-only)
foreach(directory IN LISTS INCLUDES)
  list(APPEND command -I ${directory})
endforeach()

execute_process(COMMAND ${command} ${SOURCE} RESULT_VARIABLE status ERROR_VARIABLE said)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "the correct form of ${SOURCE} does not compile:\n${said}")
endif()

execute_process(COMMAND ${command} -D POOLMARK_BROKEN ${SOURCE} RESULT_VARIABLE status
                ERROR_VARIABLE said)
if(status EQUAL 0)
  message(FATAL_ERROR "the compiler took what it must refuse: ${SOURCE}")
endif()
if(NOT said MATCHES "${SENTENCE}")
  message(FATAL_ERROR "the compiler did not say \"${SENTENCE}\" about ${SOURCE}, but:\n${said}")
endif()
