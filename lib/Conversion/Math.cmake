add_flowc_library(FlowcMath
  ExpandMath.cpp
  ExpandMathErf.cpp
  ExpandMathExp.cpp
  ExpandMathGammaSlope.cpp
  ExpandMathLog.cpp
  ExpandMathSpecial.cpp
  ExpandMathStirling.cpp
  ExpandMathTrig.cpp
  MicroKernelsBuilder.cpp
  MicroKernelsDense.cpp
  MicroKernelsDots.cpp
  MicroKernelsOuter.cpp
  MicroKernelsRandom.cpp
  MicroKernelsRows.cpp
  MLIR
  DEPENDS FlowConversionPassesIncGen
)
