# What every target of this project has in common.

# Warnings are always on for our own code; they are fatal only in our presets, which set
# CMAKE_COMPILE_WARNING_AS_ERROR, so that a consumer's newer compiler never breaks a build.
function(poolmark_target_defaults target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
endfunction()

# What a test program itself compiles is templates, run once: to optimise them takes longer than all
# tests together. The library is optimised as the build says, and so are the examples and the programs
# that measure, where the optimiser's warnings about our headers come to light.
function(poolmark_compile_fast target)
  target_compile_options(${target} PRIVATE -O0)
endfunction()

# A GoogleTest program, one file, one ctest entry a test: poolmark_add_test(future_test future_test.cpp
# poolmark::futures). Programs bring their own main (tests/test_main.cpp), which starts the zygote
# before any thread.
function(poolmark_add_test name source)
  add_executable(${name} ${source})
  poolmark_target_defaults(${name})
  poolmark_compile_fast(${name})
  target_link_libraries(${name} PRIVATE ${ARGN} poolmark_test_main)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT
                                                                    ${POOLMARK_TEST_SECONDS})
endfunction()
