// RUN: flowc-opt %s --split-input-file --verify-diagnostics --flow-hoist-parameters

// expected-error @below {{needs a function @kernel}}
module {
}
