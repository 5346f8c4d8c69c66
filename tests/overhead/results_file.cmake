# Runs PROGRAM with --benchmark_out=FILE and fails unless the file is JSON that names the program.
execute_process(COMMAND ${PROGRAM} --benchmark_filter=^limit/malloc_free --benchmark_min_time=0.001
                        --benchmark_repetitions=1 --benchmark_out=${FILE} RESULT_VARIABLE status
                OUTPUT_QUIET)
if(NOT status STREQUAL 0)
  message(FATAL_ERROR "ended with ${status}")
endif()
file(READ ${FILE} text)
string(JSON executable GET "${text}" context executable)
if(NOT executable STREQUAL PROGRAM)
  message(FATAL_ERROR "the file names '${executable}', expected '${PROGRAM}'")
endif()
