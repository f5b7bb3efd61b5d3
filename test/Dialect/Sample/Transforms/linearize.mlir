// RUN: flowc-opt %s --split-input-file --sample-linearize --canonicalize --cse | FileCheck %s

// Tangents of the rows come behind the rows, those of results behind the results.

// CHECK-LABEL: func.func @kernel
// CHECK-SAME: (%[[X:.*]]: f32 {flow.row}, %[[C:.*]]: f32 {flow.row}, %[[DX:.*]]: f32 {flow.row, flow.tangent}, %[[W:.*]]: f32)
// CHECK: %[[ONE:.*]] = arith.constant 1.0
// CHECK: %[[U:.*]] = arith.mulf %[[X]], %[[W]]
// CHECK: %[[DU:.*]] = arith.mulf %[[DX]], %[[W]]
// CHECK: %[[Y:.*]] = math.tanh %[[U]]
// CHECK: %[[SQUARE:.*]] = arith.mulf %[[Y]], %[[Y]]
// CHECK: %[[SLOPE:.*]] = arith.subf %[[ONE]], %[[SQUARE]]
// CHECK: %[[DY:.*]] = arith.mulf %[[DU]], %[[SLOPE]]
// CHECK: %[[Z:.*]] = arith.subf %[[C]], %[[Y]]
// CHECK: %[[DZ:.*]] = arith.negf %[[DY]]
// CHECK: return %[[Y]], %[[Z]], %[[DY]], %[[DZ]]
func.func @kernel(%x: f32 {flow.row}, %c: f32 {flow.row}, %w: f32) -> (f32, f32) {
  %u = arith.mulf %x, %w : f32
  %y = math.tanh %u : f32
  %z = arith.subf %c, %y : f32
  return %y, %z : f32, f32
}

// -----

// The product rule, quotients, and a select of tangents: what is not taken, however
// infinite, says nothing.

// CHECK-LABEL: func.func @kernel
// CHECK-SAME: (%[[X:.*]]: f32 {flow.row}, %[[DX:.*]]: f32 {flow.row, flow.tangent})
// CHECK: %[[L:.*]] = math.log %[[X]]
// CHECK: %[[DL:.*]] = arith.divf %[[DX]], %[[X]]
// CHECK: %[[A:.*]] = arith.mulf %[[DX]], %[[L]]
// CHECK: %[[B:.*]] = arith.mulf %[[DL]], %[[X]]
// CHECK: %[[DP:.*]] = arith.addf %[[A]], %[[B]]
// CHECK: %[[DY:.*]] = arith.select %{{.*}}, %[[DP]], %[[DX]]
// CHECK: return %{{.*}}, %[[DY]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %zero = arith.constant 0.0 : f32
  %l = math.log %x : f32
  %p = arith.mulf %x, %l : f32
  %c = arith.cmpf ogt, %x, %zero : f32
  %y = arith.select %c, %p, %x : f32
  return %y : f32
}

// -----

// Moves move tangents; what has none is zero.

// CHECK-LABEL: func.func @kernel
// CHECK-SAME: (%{{.*}}: tensor<3xf32> {flow.row}, %{{.*}}: f32 {flow.row}, %[[DX:[^ ]*]]: tensor<3xf32> {flow.row, flow.tangent}
// CHECK: %[[ZERO:.*]] = arith.constant 0.0
// CHECK: %[[D:.*]]:2 = sample.split %[[DX]] : tensor<3xf32> -> f32, tensor<2xf32>
// CHECK: %[[DR:.*]] = sample.reverse %[[D]]#1
// CHECK: %[[DC:.*]] = sample.concat %[[DR]], %[[ZERO]], %[[D]]#0 : tensor<2xf32>, f32, f32 -> tensor<4xf32>
// CHECK: return %{{.*}}, %[[DC]]
func.func @kernel(%x: tensor<3xf32> {flow.row}, %c: f32 {flow.row}) -> tensor<4xf32> {
  %a, %b = sample.split %x : tensor<3xf32> -> f32, tensor<2xf32>
  %r = sample.reverse %b : tensor<2xf32>
  %y = sample.concat %r, %c, %a : tensor<2xf32>, f32, f32 -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// Ops of small tensors in the body of a map; an index has no tangent.

// CHECK-LABEL: func.func @kernel
// CHECK: sample.map 2 indexed(%{{.*}}, %[[DX:.*]] : tensor<6xf32>, tensor<6xf32>)
// CHECK: ^bb0(%{{.*}}: tensor<3xf32>, %[[D:.*]]: tensor<3xf32>, %{{.*}}: f32):
// CHECK: %[[BIN:.*]] = sample.bin_search
// CHECK: %[[DC:.*]] = sample.cumsum %[[D]]
// CHECK: %[[DT:.*]] = sample.take %[[DC]][%[[BIN]] + 1]
// CHECK: %[[DS:.*]] = sample.reduce_sum %[[D]]
// CHECK: sample.one_hot %[[DT]] at[%[[BIN]] + 0]
// CHECK: sample.splat %[[DS]]
func.func @kernel(%x: tensor<6xf32> {flow.row}, %v: f32) -> tensor<6xf32> {
  %y = sample.map 2 indexed(%x : tensor<6xf32>) shared(%v : f32) {
  ^bb0(%k: tensor<3xf32>, %vi: f32):
    %bin = sample.bin_search %k, %vi : tensor<3xf32>, f32
    %c = sample.cumsum %k : tensor<3xf32>
    %t = sample.take %c[%bin + 1] : tensor<3xf32> -> f32
    %s = sample.reduce_sum %k : tensor<3xf32> -> f32
    %h = sample.one_hot %t at[%bin + 0] : f32 -> tensor<3xf32>
    %p = sample.splat %s : f32 -> tensor<3xf32>
    %r = arith.addf %h, %p : tensor<3xf32>
    sample.yield %r : tensor<3xf32>
  } -> (tensor<6xf32>), ()
  return %y : tensor<6xf32>
}

// -----

// A map of tangents reads results where that spares an operand; sums start at the
// tangent of their start.

// CHECK-LABEL: func.func @kernel
// CHECK-SAME: %[[DX:[^ ]*]]: tensor<4xf32> {flow.row, flow.tangent}
// CHECK: %[[ZERO:.*]] = arith.constant 0.0
// CHECK: %[[M:.*]], %[[S:.*]] = sample.map 4 indexed(%{{.*}} : tensor<4xf32>) init
// CHECK: %[[DM:.*]], %[[DS:.*]] = sample.map 4 indexed(%[[DX]], %[[M]] : tensor<4xf32>, tensor<4xf32>) init(%[[ZERO]] : f32) {
// CHECK-NEXT: ^bb0(%[[DXI:.*]]: f32, %[[Y:.*]]: f32):
// CHECK-NEXT: %[[DY:.*]] = arith.mulf %[[DXI]], %[[Y]]
// CHECK-NEXT: sample.yield %[[DY]], %[[DXI]]
// CHECK: return %[[M]], %[[S]], %[[DM]], %[[DS]]
func.func @kernel(%x: tensor<4xf32> {flow.row}) -> (tensor<4xf32>, f32) {
  %one = arith.constant 1.0 : f32
  %m, %s = sample.map 4 indexed(%x : tensor<4xf32>) init(%one : f32) {
  ^bb0(%xi: f32):
    %e = math.exp %xi : f32
    sample.yield %e, %xi : f32, f32
  } -> (tensor<4xf32>), (f32)
  return %m, %s : tensor<4xf32>, f32
}

// -----

// One loop carries values and tangents; the sum of the scales has no tangent.

// CHECK-LABEL: func.func @kernel
// CHECK: %[[R:.*]]:3 = sample.scan 8 carries(%{{.*}}, %{{.*}}, %{{.*}} : f32, f32, f32) over(%{{.*}} : tensor<8xf32>) {
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[SUM:.*]]: f32, %[[DA:.*]]: f32, %[[S:.*]]: f32):
// CHECK-NEXT: %[[N:.*]] = arith.mulf %[[A]], %[[S]]
// CHECK-NEXT: %[[DN:.*]] = arith.mulf %[[DA]], %[[S]]
// CHECK-NEXT: %[[NEXT:.*]] = arith.addf %[[SUM]], %[[S]]
// CHECK-NEXT: sample.yield %[[N]], %[[NEXT]], %[[DN]]
// CHECK: return %[[R]]#0, %[[R]]#1, %[[R]]#2, %{{.*}}
func.func @kernel(%x: f32 {flow.row}, %s: tensor<8xf32>, %zero: f32) -> (f32, f32) {
  %y, %l = sample.scan 8 carries(%x, %zero : f32, f32) over(%s : tensor<8xf32>) {
  ^bb0(%a: f32, %sum: f32, %si: f32):
    %n = arith.mulf %a, %si : f32
    %next = arith.addf %sum, %si : f32
    sample.yield %n, %next : f32, f32
  } -> (f32, f32), ()
  return %y, %l : f32, f32
}

// -----

// A carry that starts without a tangent gets one from another carry: the loop has a
// third and a fourth one for them.

// CHECK-LABEL: func.func @kernel
// CHECK: sample.scan 3 carries(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : f32, f32, f32, f32)
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32, %[[DA:.*]]: f32, %[[DB:.*]]: f32):
// CHECK-NEXT: %[[E:.*]] = math.exp %[[A]]
// CHECK-NEXT: %[[DE:.*]] = arith.mulf %[[DA]], %[[E]]
// CHECK-NEXT: %[[S:.*]] = arith.addf %[[A]], %[[B]]
// CHECK-NEXT: %[[DS:.*]] = arith.addf %[[DA]], %[[DB]]
// CHECK-NEXT: sample.yield %[[E]], %[[S]], %[[DE]], %[[DS]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %zero = arith.constant 0.0 : f32
  %y, %l = sample.scan 3 carries(%x, %zero : f32, f32) {
  ^bb0(%a: f32, %b: f32):
    %e = math.exp %a : f32
    %s = arith.addf %a, %b : f32
    sample.yield %e, %s : f32, f32
  } -> (f32, f32), ()
  return %l : f32
}

// -----

// A layer: W dx, through the slope of the activation. Products of a gradient have
// product rules.

// CHECK-LABEL: func.func @kernel
// CHECK-SAME: %[[DX:[^ ]*]]: tensor<2xf32> {flow.row, flow.tangent}, %[[W:.*]]: tensor<3x2xf32>, %[[B:.*]]: tensor<3xf32>)
// CHECK: %[[P:.*]] = sample.dense %[[W]], %[[X:.*]] bias(%[[B]] : tensor<3xf32>)
// CHECK: %[[DP:.*]] = sample.dense %[[W]], %[[DX]] : tensor<3x2xf32>, tensor<2xf32> -> tensor<3xf32>
// CHECK: %[[H:.*]] = sample.map 3 indexed(%[[P]] : tensor<3xf32>)
// CHECK: %[[DH:.*]] = sample.map 3 indexed(%{{.*}}, %{{.*}} : tensor<3xf32>, tensor<3xf32>)
// CHECK: sample.outer %[[H]], %[[X]]
// CHECK: %[[O1:.*]], %[[DB:.*]] = sample.outer %[[DH]], %[[X]]
// CHECK: %[[O2:.*]], %{{.*}} = sample.outer %[[H]], %[[DX]]
// CHECK: %[[DO:.*]] = arith.addf %[[O1]], %[[O2]]
// CHECK: return %{{.*}}, %{{.*}}, %[[DO]], %[[DB]]
func.func @kernel(%x: tensor<2xf32> {flow.row}, %w: tensor<3x2xf32>, %b: tensor<3xf32>) -> (tensor<3x2xf32>, tensor<3xf32>) {
  %h = sample.dense %w, %x bias(%b : tensor<3xf32>) : tensor<3x2xf32>, tensor<2xf32> -> tensor<3xf32> {
  ^bb0(%a: f32):
    %t = math.tanh %a : f32
    sample.yield %t : f32
  }
  %o, %g = sample.outer %h, %x : tensor<3xf32>, tensor<2xf32> -> tensor<3x2xf32>, tensor<3xf32>
  return %o, %g : tensor<3x2xf32>, tensor<3xf32>
}

// -----

// Blocks.

// CHECK-LABEL: func.func @kernel
// CHECK-SAME: %[[X:[^ ]*]]: tensor<2xf32> {flow.row}, %[[DX:[^ ]*]]: tensor<2xf32> {flow.row, flow.tangent}, %[[W:.*]]: tensor<4x1xf32>)
// CHECK: %[[Y:.*]] = sample.block_dense %[[W]], %[[X]]
// CHECK: %[[DY:.*]] = sample.block_dense %[[W]], %[[DX]]
// CHECK: sample.block_outer %[[Y]], %[[X]]
// CHECK: %[[A:.*]] = sample.block_outer %[[DY]], %[[X]]
// CHECK: %[[B:.*]] = sample.block_outer %[[Y]], %[[DX]]
// CHECK: arith.addf %[[A]], %[[B]]
func.func @kernel(%x: tensor<2xf32> {flow.row}, %w: tensor<4x1xf32>) -> tensor<4x1xf32> {
  %y = sample.block_dense %w, %x blocks = 2 : tensor<4x1xf32>, tensor<2xf32> -> tensor<4xf32>
  %o = sample.block_outer %y, %x blocks = 2 : tensor<4xf32>, tensor<2xf32> -> tensor<4x1xf32>
  return %o : tensor<4x1xf32>
}

// -----

// The implicit function theorem: f = t + t^3 - x, f' = 1 + 3 t^2, dt = dx / f'.

// CHECK-LABEL: func.func @kernel
// CHECK: %[[T:.*]] = sample.root
// CHECK-NOT: sample.root
// CHECK: %[[DF:.*]] = arith.negf %[[DX:.*]] :
// CHECK: %[[RATIO:.*]] = arith.divf %[[DF]], %[[SLOPE:.*]] :
// CHECK: %[[DT:.*]] = arith.negf %[[RATIO]]
// CHECK: return %[[T]], %[[DT]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %t = sample.root operands(%x : f32) {
  ^bb0(%s: f32, %xi: f32):
    %one = arith.constant 1.0 : f32
    %three = arith.constant 3.0 : f32
    %square = arith.mulf %s, %s : f32
    %cube = arith.mulf %square, %s : f32
    %sum = arith.addf %s, %cube : f32
    %f = arith.subf %sum, %xi : f32
    %triple = arith.mulf %square, %three : f32
    %slope = arith.addf %triple, %one : f32
    sample.yield %f, %slope : f32, f32
  } : f32
  return %t : f32
}

// -----

// Constants of differentiation stay constant.

// CHECK-LABEL: func.func @kernel
// CHECK-SAME: (%[[X:.*]]: f32 {flow.row}, %[[DX:.*]]: f32
// CHECK: %[[C:.*]] = sample.detach %[[X]]
// CHECK: %[[Y:.*]] = arith.mulf %[[X]], %[[C]]
// CHECK: %[[DY:.*]] = arith.mulf %[[DX]], %[[C]]
// CHECK: return %[[Y]], %[[DY]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %c = sample.detach %x : f32
  %y = arith.mulf %x, %c : f32
  return %y : f32
}
