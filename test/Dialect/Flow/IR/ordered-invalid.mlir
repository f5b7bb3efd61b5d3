// One function for every constraint of docs/Spec.md, named after its label.
// RUN: flowc-opt %s -split-input-file -verify-diagnostics

func.func @ordered_c1(%x: f32) {
  // expected-error @+1 {{needs an event of rank 1 but has 'f32'}}
  %y = flow.ordered %x : f32
  return
}
