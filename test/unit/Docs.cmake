# Every code block of README.md and docs/*.md is executed: one test per page.
set(docs_runner ${CMAKE_CURRENT_SOURCE_DIR}/docs/run_docs.py)
set(docs_directory ${CMAKE_BINARY_DIR}/test/docs)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
file(GLOB docs_pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/CONTRIBUTING.md
     ${PROJECT_SOURCE_DIR}/docs/*.md)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${docs_pages} ${docs_runner})

foreach(page IN LISTS docs_pages)
  get_filename_component(page_name ${page} NAME_WE)
  execute_process(
    COMMAND ${Python3_EXECUTABLE} ${docs_runner} --extract ${docs_directory}/src ${page}
    OUTPUT_VARIABLE docs_programs COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]+" docs_programs "${docs_programs}")
  foreach(file IN LISTS docs_programs)
    get_filename_component(program ${file} NAME_WE)
    get_filename_component(language ${file} EXT)
    add_executable(${program} ${docs_directory}/src/${file})
    set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${docs_directory}
      C_STANDARD 99 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
    if(language STREQUAL ".c")
      target_compile_options(${program} PRIVATE -Wall -Wextra -pedantic -Werror)
      target_link_libraries(${program} PRIVATE FlowcShared m)
      continue()
    endif()
    target_link_libraries(${program} PRIVATE FlowcReport FlowcFit FlowcTraining FlowcVerification FlowcEvaluation FlowcTargets)
    # Options are left out on purpose; their defaults are documented.
    target_compile_options(${program} PRIVATE -Wno-missing-field-initializers)
  endforeach()
  add_test(NAME docs.${page_name}
    COMMAND ${Python3_EXECUTABLE} ${docs_runner} --source ${PROJECT_SOURCE_DIR} --build ${CMAKE_BINARY_DIR}
            $<$<BOOL:${FLOWC_PYTHON}>:--python=${FLOWC_PYTHON}> ${page}
    COMMAND_EXPAND_LISTS)
  set_tests_properties(docs.${page_name} PROPERTIES TIMEOUT 900)
endforeach()

# The build file for programs of other projects, as the page has it.
add_test(NAME docs.embedding
  COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/docs/embedding_test.py ${PROJECT_SOURCE_DIR}
          -DMLIR_DIR=${MLIR_DIR} -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER} -DCMAKE_C_COMPILER=${CMAKE_C_COMPILER})
set_tests_properties(docs.embedding PROPERTIES TIMEOUT 600 LABELS unsanitized)
add_test(NAME docs.runner COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/docs/run_docs_test.py)
add_test(NAME docs.labels
  COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/docs/labels_test.py ${PROJECT_SOURCE_DIR})
add_test(NAME docs.format
  COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/docs/format_test.py ${PROJECT_SOURCE_DIR}
          $<TARGET_FILE:flowc>)
