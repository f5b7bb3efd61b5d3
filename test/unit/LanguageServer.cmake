add_flowc_test(LanguageServerTest LINK FlowcLanguageServer GTest::gmock)
