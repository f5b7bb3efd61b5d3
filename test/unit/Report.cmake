# Reports: their numbers, their pictures, their page.
add_flowc_test(ReportTest DATA LINK FlowcReport)
target_include_directories(ReportTest PRIVATE ${PROJECT_SOURCE_DIR}/lib/Report)
