# Run at every build: cmake -DSOURCE=<tree> -DOUTPUT=<header> -P write_commit.cmake
# At configure time the answer would be stale after the next commit. The header changes only when the
# answer does, so an unchanged tree recompiles nothing.

set(commit unknown)
set(dirty false)
find_program(GIT git)
if(GIT)
  # An empty prefix: SOURCE is the top of its repository, not a folder unpacked inside another's.
  execute_process(
    COMMAND ${GIT} rev-parse HEAD --show-prefix
    WORKING_DIRECTORY ${SOURCE} RESULT_VARIABLE failed OUTPUT_VARIABLE answer ERROR_QUIET)
  if(NOT failed AND answer MATCHES "^([0-9a-f]+)\n\n?$")
    set(commit ${CMAKE_MATCH_1})
    # Without optional locks: a build must not get in the way of a commit made meanwhile.
    execute_process(
      COMMAND ${GIT} --no-optional-locks status --porcelain --untracked-files=no
      WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE changes ERROR_QUIET)
    if(changes)
      set(dirty true)
    endif()
  endif()
endif()

set(text "#pragma once\n\ninline constexpr std::string_view kCommit = \"${commit}\";\n")
string(APPEND text "inline constexpr bool kCommitIsDirty = ${dirty};\n")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} before)
endif()
if(NOT text STREQUAL before)
  file(WRITE ${OUTPUT} "${text}")
endif()
