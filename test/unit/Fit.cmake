# Which flow fits a table best.
add_flowc_test(FitTest LINK FlowcFit FlowcExecutionEngine)
target_include_directories(FitTest PRIVATE ${PROJECT_SOURCE_DIR}/lib/Fit)
