# BUILD_DIR, WORK_DIR, SOURCE_DIR, EXAMPLES_DIR, GENERATOR, COMPILER, FLAGS, BUILD_TYPE, COMPONENTS,
# VERSION: installs, configures, builds and runs.
file(REMOVE_RECURSE ${WORK_DIR})

function(run what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${what} failed (${status}):\n${said}")
  endif()
  set(said "${said}" PARENT_SCOPE)
endfunction()

# Builds an example that measures, and runs it: the cell must be among what it says.
function(measure example cell)
  run("building ${example}" ${CMAKE_COMMAND} --build ${WORK_DIR}/examples --target ${example})
  run("${example}" ${WORK_DIR}/examples/${example} --workers=2 --benchmark_repetitions=1)
  if(NOT said MATCHES "${cell} ")
    message(FATAL_ERROR "${example} has not measured ${cell}:\n${said}")
  endif()
endfunction()

run("installing" ${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${WORK_DIR}/prefix)
set(as_this_build
    -G ${GENERATOR} -D CMAKE_PREFIX_PATH=${WORK_DIR}/prefix -D CMAKE_CXX_COMPILER=${COMPILER}
    -D CMAKE_CXX_FLAGS=${FLAGS} -D CMAKE_BUILD_TYPE=${BUILD_TYPE})

run("configuring the consumer" ${CMAKE_COMMAND} -S ${SOURCE_DIR} -B ${WORK_DIR}/build
    ${as_this_build} -D "COMPONENTS=${COMPONENTS}" -D POOLMARK_VERSION=${VERSION})
run("building the consumer" ${CMAKE_COMMAND} --build ${WORK_DIR}/build)
run("the consumer's program" ${WORK_DIR}/build/use_futures)

# Two stand for all, which would take a minute.
run("configuring the examples" ${CMAKE_COMMAND} -S ${EXAMPLES_DIR} -B ${WORK_DIR}/examples
    ${as_this_build})
run("building examples" ${CMAKE_COMMAND} --build ${WORK_DIR}/examples
    --target example_sum_with_wait example_check_primes)
run("an example" ${WORK_DIR}/examples/example_sum_with_wait)
run("an example" ${WORK_DIR}/examples/example_check_primes 2)

# What an installed harness is for: a function and an executor of the user's.
if(COMPONENTS MATCHES harness)
  measure(example_measure_function collatz/process/map/workers:2)
  measure(example_measure_executor work/mine/map/workers:2)
endif()
file(REMOVE_RECURSE ${WORK_DIR})
