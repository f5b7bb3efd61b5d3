// Parameters that are hoisted already.
func.func @prepare(%w: f32 {flow.name = "w", flow.trainable}) -> f32 {
  return %w : f32
}
// expected-error @below {{must be linearised with respect to parameters before they are hoisted}}
func.func @kernel(%x: f32 {flow.row}, %w: f32) -> f32 {
  %y = arith.mulf %x, %w : f32
  return %y : f32
}
