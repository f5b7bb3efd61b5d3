# Columns of tables.
add_flowc_test(TableSchemaTest LINK FlowcTable GTest::gmock)
