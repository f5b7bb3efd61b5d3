// RUN: flowc-opt %s --flow-expand-math --split-input-file --verify-diagnostics

func.func @noExpansion(%x: vector<4xf32>) -> vector<4xf32> {
  // expected-error @+1 {{'math.cbrt' op has no expansion for 'vector<4xf32>'}}
  %y = math.cbrt %x : vector<4xf32>
  return %y : vector<4xf32>
}

// -----

func.func @elementType(%x: vector<4xf16>) -> vector<4xf16> {
  // expected-error @+1 {{'math.exp' op has no expansion for 'vector<4xf16>'}}
  %y = math.exp %x : vector<4xf16>
  return %y : vector<4xf16>
}
