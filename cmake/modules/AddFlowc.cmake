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
