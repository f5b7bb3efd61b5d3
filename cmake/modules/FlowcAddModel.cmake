# flowc_add_model(TARGET MODEL
#                 [SHARED] [FUNCTIONS names...] [PREFIX prefix] [DTYPE f32|f64] [CPU names...]
#                 [CONDITION numbers...] [TARGET triple])
#
# A library TARGET of functions of MODEL (a .safetensors or .flow file), compiled by `flowc
# compile` when the program is built, and anew when MODEL changes. Its header PREFIX.h comes
# along; the prefix is TARGET unless there is another.
function(flowc_add_model target model)
  cmake_parse_arguments(PARSE_ARGV 2 ARG "SHARED" "PREFIX;DTYPE;TARGET" "FUNCTIONS;CPU;CONDITION")
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "flowc_add_model(${target}): unknown arguments: ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT EXISTS "${FLOWC_EXECUTABLE}")
    message(FATAL_ERROR "flowc_add_model(${target}): the tool is not installed: there is no ${FLOWC_EXECUTABLE}")
  endif()
  if(NOT ARG_PREFIX)
    string(MAKE_C_IDENTIFIER "${target}" ARG_PREFIX)
  endif()
  get_filename_component(model "${model}" ABSOLUTE)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${target}.flowc)
  set(object ${folder}/${ARG_PREFIX}.o)
  set(header ${folder}/${ARG_PREFIX}.h)
  set(options --prefix ${ARG_PREFIX})
  foreach(option FUNCTIONS CPU CONDITION DTYPE TARGET)
    if(DEFINED ARG_${option})
      string(TOLOWER ${option} name)
      string(REPLACE ";" "," values "${ARG_${option}}")
      list(APPEND options --${name}=${values})
    endif()
  endforeach()
  file(MAKE_DIRECTORY ${folder})
  add_custom_command(OUTPUT ${object} ${header}
    COMMAND ${FLOWC_EXECUTABLE} compile ${model} -o ${object} --header ${header} ${options}
    DEPENDS ${model} ${FLOWC_EXECUTABLE}
    COMMENT "Compiling ${target} from ${model}" VERBATIM)
  set(kind STATIC)
  if(ARG_SHARED)
    set(kind SHARED)
  endif()
  add_library(${target} ${kind} ${object} ${header})
  set_source_files_properties(${object} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C)
  target_include_directories(${target} PUBLIC ${folder})
endfunction()
