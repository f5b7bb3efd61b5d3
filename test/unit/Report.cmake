# Reports: their numbers, their pictures, their page.
foreach(part IN ITEMS Report ReportPages)
  add_flowc_test(${part}Test DATA LINK FlowcReport GTest::gmock)
  target_include_directories(${part}Test PRIVATE ${PROJECT_SOURCE_DIR}/lib/Report)
endforeach()
