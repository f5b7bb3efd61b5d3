# Bijections given by a formula, from text to kernels, and the algebra behind them.
add_flowc_test(FormulasTest LINK FlowcReference FlowcTraining)
add_flowc_test(SymbolicTest LINK FlowcFrontend)
add_flowc_test(PublishedFormulasTest DATA LINK FlowcReference FlowcTraining)
add_flowc_test(RandomFormulasTest LINK FlowcFrontend)
add_flowc_test(FunctionsTest DATA LINK FlowcSymbolic)
add_flowc_test(LogDensitiesTest LINK FlowcTraining)
add_flowc_test(LogDensitySlopesTest LINK FlowcTraining)
add_flowc_test(FormulaEdgesTest LINK FlowcTraining)
