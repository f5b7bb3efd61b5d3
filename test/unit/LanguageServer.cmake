add_flowc_test(LanguageServerTest LINK FlowcLanguageServer GTest::gmock)
target_include_directories(LanguageServerTest PRIVATE ${PROJECT_SOURCE_DIR}/lib/LanguageServer)
