# cmake --install: the tools, libflowc for C, and the libraries and headers for C++, with a
# CMake package for both and a pkg-config file for the former. What is installed may be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(flowc_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/flowc)

# Programs find LLVM where the build found it.
set_target_properties(flowc flowc-opt flowc-lsp-server flowc-mlir-lsp-server FlowcShared PROPERTIES
  INSTALL_RPATH "${LLVM_LIBRARY_DIR}")
install(TARGETS flowc flowc-opt flowc-lsp-server flowc-mlir-lsp-server
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tools)

# For C: one shared library.
install(TARGETS FlowcShared EXPORT flowc-c
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT c NAMELINK_COMPONENT c-dev)
file(GLOB c_headers ${PROJECT_SOURCE_DIR}/include/flowc/flowc-c*.h ${PROJECT_SOURCE_DIR}/include/flowc/target.h)
install(FILES ${c_headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/flowc COMPONENT c-dev)
install(EXPORT flowc-c NAMESPACE flowc:: DESTINATION ${flowc_package_dir} COMPONENT c-dev)
# (The file may be found in lib/pkgconfig or in lib/ARCH/pkgconfig.)
file(RELATIVE_PATH flowc_prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_CURRENT_LIST_DIR}/flowc.pc.in ${CMAKE_BINARY_DIR}/flowc.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/flowc.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT c-dev)

# For C++: static libraries, whose users need MLIR, Eigen and oneTBB, too.
get_property(flowc_libraries GLOBAL PROPERTY FLOWC_LIBRARIES)
add_library(FlowcCpp INTERFACE)
set_target_properties(FlowcCpp PROPERTIES EXPORT_NAME cpp)
target_link_libraries(FlowcCpp INTERFACE FlowcReport FlowcFit FlowcTraining FlowcVerification FlowcEvaluation FlowcTargets)
install(TARGETS FlowcCpp ${flowc_libraries} EXPORT flowc-cpp
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/flowc COMPONENT cpp-dev)
install(EXPORT flowc-cpp NAMESPACE flowc:: DESTINATION ${flowc_package_dir} COMPONENT cpp-dev)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/flowc DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT cpp-dev
  FILES_MATCHING REGEX "/flowc/[^/]*\\.h$" REGEX "/flowc/(IO|Report|Runtime|Support|Table|Training)/[^/]*\\.h$"
  PATTERN Dialect EXCLUDE PATTERN API EXCLUDE PATTERN Conversion EXCLUDE PATTERN ExecutionEngine EXCLUDE
  PATTERN Explain EXCLUDE PATTERN Frontend EXCLUDE PATTERN Pipelines EXCLUDE PATTERN Reference EXCLUDE
  PATTERN Symbolic EXCLUDE PATTERN Target EXCLUDE)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/flowcConfig.cmake.in ${CMAKE_BINARY_DIR}/flowcConfig.cmake
  INSTALL_DESTINATION ${flowc_package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/flowcConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/flowcConfig.cmake ${CMAKE_BINARY_DIR}/flowcConfigVersion.cmake
  ${CMAKE_CURRENT_LIST_DIR}/FlowcAddModel.cmake
  DESTINATION ${flowc_package_dir} COMPONENT c-dev)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT tools)
