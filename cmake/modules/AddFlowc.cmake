# Thin wrappers around CMake's own commands for the libraries and tools of flowc.

# Headers cost more time than what includes them: the standard library and Eigen five seconds per
# file, MLIR as much, the generated ops of the flow dialect again. Code that includes the same of
# these shares a precompiled header, which one target makes (add_flowc_pch).
option(FLOWC_PCH "Use precompiled headers" ON)

# add_flowc_library(NAME sources... [MLIR | FLOW] [EXCEPTIONS] [DEPENDS targets...] [LINK targets...])
#   MLIR        the library includes MLIR headers (and links libMLIR)
#   FLOW        ... and headers of the flow dialect
#   EXCEPTIONS  compile with exceptions (CLI11, nlohmann-json)
function(add_flowc_library name)
  cmake_parse_arguments(ARG "MLIR;FLOW;EXCEPTIONS" "" "DEPENDS;LINK" ${ARGN})
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
  if(ARG_EXCEPTIONS)
    flowc_enable_exceptions(${name})
  endif()
  if(ARG_FLOW OR ARG_MLIR)
    target_link_libraries(${name} PUBLIC MLIR LLVM)
  endif()
  if(ARG_FLOW)
    flowc_reuse_pch(${name} FlowcFlowPCH)
  elseif(ARG_MLIR)
    flowc_reuse_pch(${name} FlowcMLIRPCH)
  elseif(ARG_EXCEPTIONS)
    flowc_reuse_pch(${name} FlowcJsonPCH)
  else()
    flowc_reuse_pch(${name} FlowcStandardPCH)
  endif()
endfunction()

# add_flowc_tool(NAME sources... [EXCEPTIONS] [PCH target] [LINK targets...])
#   PCH         the target that makes its precompiled header
function(add_flowc_tool name)
  cmake_parse_arguments(ARG "EXCEPTIONS" "PCH" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
  if(ARG_EXCEPTIONS)
    flowc_enable_exceptions(${name})
  endif()
  if(ARG_PCH)
    flowc_reuse_pch(${name} ${ARG_PCH})
  endif()
endfunction()

# The last flag wins over the -fno-exceptions of HandleLLVMOptions.
function(flowc_enable_exceptions name)
  target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fexceptions>)
endfunction()

# add_flowc_pch(NAME FILE [EXCEPTIONS] [DEPENDS targets...] [LINK targets...])
#   FILE.cpp is the one translation unit that makes the precompiled header FILE.h
#   LINK        targets whose headers it includes, besides Eigen, JSON and MLIR
function(add_flowc_pch name file)
  cmake_parse_arguments(ARG "EXCEPTIONS" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${file}.cpp)
  target_link_libraries(${name} PRIVATE Eigen3::Eigen nlohmann_json::nlohmann_json ${ARG_LINK})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  if(ARG_EXCEPTIONS)
    flowc_enable_exceptions(${name})
  endif()
  # One that ccache brings back was made of headers with other times.
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_compile_options(${name} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
  if(FLOWC_PCH)
    target_precompile_headers(${name} PRIVATE ${file}.h)
  endif()
endfunction()

# (A precompiled header belongs to one set of flags: programs are compiled as libraries are, -fPIC for -fPIE.)
function(flowc_reuse_pch name pch)
  get_target_property(type ${name} TYPE)
  if(type STREQUAL "EXECUTABLE")
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${name} PRIVATE -fPIC)
  endif()
  if(FLOWC_PCH)
    target_precompile_headers(${name} REUSE_FROM ${pch})
  endif()
endfunction()

# add_flowc_test(NAME [DATA] [UNSANITIZED] [PROCESSES n] [SOURCES sources...] LINK libraries...)
#   test/unit/NAME.cpp, a program of GoogleTest; every test is one of ctest
#   DATA        knows where test/data and test/golden are
#   UNSANITIZED says nothing, or nothing true, in a build with sanitizers: the label
#               `unsanitized`, which the presets of tests leave out there
#   PROCESSES   its tests are shared by n of ctest: loading LLVM takes longer than any of them
function(add_flowc_test name)
  cmake_parse_arguments(ARG "DATA;UNSANITIZED" "PROCESSES" "SOURCES;LINK" ${ARGN})
  add_executable(${name} unit/${name}.cpp ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/unit)
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gtest_main)
  flowc_reuse_pch(${name} FlowcTestPCH)
  if(ARG_DATA)
    target_compile_definitions(${name} PRIVATE FLOWC_TEST_DATA="${PROJECT_SOURCE_DIR}/test/data"
                                               FLOWC_GOLDEN_DIR="${PROJECT_SOURCE_DIR}/test/golden")
  endif()
  set(labels)
  if(ARG_UNSANITIZED)
    set(labels LABELS unsanitized)
  endif()
  if(NOT ARG_PROCESSES)
    if(labels)
      gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES ${labels})
    else()
      gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60)
    endif()
    return()
  endif()
  math(EXPR last "${ARG_PROCESSES} - 1")
  foreach(index RANGE ${last})
    add_test(NAME ${name}.${index} COMMAND ${name} --gtest_brief=1)
    set_tests_properties(${name}.${index} PROPERTIES ${labels}
      ENVIRONMENT "GTEST_TOTAL_SHARDS=${ARG_PROCESSES};GTEST_SHARD_INDEX=${index}")
  endforeach()
endfunction()
