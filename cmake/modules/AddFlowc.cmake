# Thin wrappers around CMake's own commands for the libraries and tools of flowc.

# A header of MLIR costs seconds per file; all MLIR code shares one precompiled
# header, built once by FlowcPCH.
option(FLOWC_PCH "Use a precompiled header for code that includes MLIR" ON)

# add_flowc_library(NAME sources... [MLIR] [EXCEPTIONS] [DEPENDS targets...] [LINK targets...])
#   MLIR        the library includes MLIR headers (and links libMLIR)
#   EXCEPTIONS  compile with exceptions (CLI11, nlohmann-json)
function(add_flowc_library name)
  cmake_parse_arguments(ARG "MLIR;EXCEPTIONS" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
  # What programs of other projects need to include flowc's headers.
  target_include_directories(${name} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
  target_compile_features(${name} INTERFACE cxx_std_20)
  # All of lib, for InstallFlowc.
  if(CMAKE_CURRENT_SOURCE_DIR MATCHES "^${PROJECT_SOURCE_DIR}/lib/")
    set_property(GLOBAL APPEND PROPERTY FLOWC_LIBRARIES ${name})
  endif()
  flowc_compile_options(${name} "${ARG_MLIR}" "${ARG_EXCEPTIONS}")
endfunction()

# add_flowc_tool(NAME sources... [MLIR] [EXCEPTIONS] [LINK targets...])
function(add_flowc_tool name)
  cmake_parse_arguments(ARG "MLIR;EXCEPTIONS" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
  flowc_compile_options(${name} "${ARG_MLIR}" "${ARG_EXCEPTIONS}")
endfunction()

function(flowc_compile_options name mlir exceptions)
  if(mlir)
    target_link_libraries(${name} PUBLIC MLIR LLVM)
    if(FLOWC_PCH AND NOT name STREQUAL "FlowcPCH")
      target_precompile_headers(${name} REUSE_FROM FlowcPCH)
    endif()
  endif()
  if(exceptions)
    # The last flag wins over the -fno-exceptions of HandleLLVMOptions.
    target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fexceptions>)
  endif()
endfunction()

# add_flowc_test(NAME [DATA] [SOURCES sources...] LINK libraries...)
#   test/unit/NAME.cpp, a program of GoogleTest; every test is one of ctest
#   DATA        knows where test/data and test/golden are
function(add_flowc_test name)
  cmake_parse_arguments(ARG "DATA" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} unit/${name}.cpp ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/unit)
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gtest_main)
  if(ARG_DATA)
    target_compile_definitions(${name} PRIVATE FLOWC_TEST_DATA="${PROJECT_SOURCE_DIR}/test/data"
                                               FLOWC_GOLDEN_DIR="${PROJECT_SOURCE_DIR}/test/golden")
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60)
endfunction()
