# Which flow fits a table best.
foreach(part IN ITEMS Fit FitParts)
  add_flowc_test(${part}Test LINK FlowcFit FlowcExecutionEngine)
  target_include_directories(${part}Test PRIVATE ${PROJECT_SOURCE_DIR}/lib/Fit)
endforeach()
