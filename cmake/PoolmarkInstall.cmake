# Installs the targets, the headers and what find_package(poolmark) reads.

include(CMakePackageConfigHelpers)

set(poolmark_targets futures)
if(POOLMARK_BUILD_HARNESS)
  list(APPEND poolmark_targets harness)
endif()

install(TARGETS ${poolmark_targets} EXPORT poolmarkTargets)
install(DIRECTORY include/poolmark DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        PATTERN harness EXCLUDE PATTERN harness.hpp EXCLUDE)
if(POOLMARK_BUILD_HARNESS)
  install(DIRECTORY include/poolmark/harness DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/poolmark)
  install(FILES include/poolmark/harness.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/poolmark)
endif()

set(poolmark_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/poolmark)
install(EXPORT poolmarkTargets NAMESPACE poolmark:: DESTINATION ${poolmark_cmake_dir})
configure_package_config_file(
  cmake/poolmarkConfig.cmake.in ${PROJECT_BINARY_DIR}/poolmarkConfig.cmake
  INSTALL_DESTINATION ${poolmark_cmake_dir})
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/poolmarkConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/poolmarkConfig.cmake
              ${PROJECT_BINARY_DIR}/poolmarkConfigVersion.cmake
        DESTINATION ${poolmark_cmake_dir})
