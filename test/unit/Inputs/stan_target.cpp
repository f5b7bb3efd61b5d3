//===- stan_target.cpp - A model behind BridgeStan's C interface ----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What BridgeStan 2 makes of
//
//   data { real y; }
//   parameters { real mu; real<lower=0> sigma; }
//   model { mu ~ normal(0, 2); sigma ~ exponential(1); y ~ normal(mu, sigma); }
//
// by hand: the unconstrained parameters are mu and log(sigma), the Jacobian of sigma
// is sigma.
//
//===----------------------------------------------------------------------===//

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

struct bs_model {
  double y;
};

static void setError(char **error, const std::string &text) {
  if (error)
    *error = strdup((text + "\n").c_str());
}

extern "C" {

int bs_major_version = 2;

bs_model *bs_model_construct(const char *data, unsigned, char **error) {
  std::string text = data ? data : "";
  if (text.ends_with(".json")) {
    std::ifstream file(text);
    std::stringstream all;
    all << file.rdbuf();
    text = all.str();
  }
  double y = 0;
  if (std::sscanf(text.c_str(), " { \"y\" : %lf", &y) != 1) {
    setError(error, "variable does not exist;\nvariable name=y");
    return nullptr;
  }
  return new bs_model{y};
}

void bs_model_destruct(bs_model *model) { delete model; }
void bs_free_error_msg(char *error) { std::free(error); }
const char *bs_name(const bs_model *) { return "location_model"; }
const char *bs_model_info(const bs_model *) { return "stan_version = 2.36.0\nSTAN_THREADS=false\n"; }
int bs_param_unc_num(const bs_model *) { return 2; }

int bs_log_density_gradient(const bs_model *model, bool propto, bool jacobian, const double *x, double *value,
                            double *gradient, char **error) {
  double mu = x[0], sigma = std::exp(x[1]), z = (model->y - mu) / sigma;
  if (x[1] > 300) {
    setError(error, "Exception: normal_lpdf: Scale parameter is inf");
    return -1;
  }
  const double half = 0.91893853320467274178;
  *value = -mu * mu / 8 - sigma - z * z / 2 - x[1];
  if (!propto)
    *value -= half + std::log(2) + half;
  if (jacobian)
    *value += x[1];
  gradient[0] = -mu / 4 + z / sigma;
  gradient[1] = -sigma + z * z - 1 + (jacobian ? 1 : 0);
  return 0;
}

int bs_log_density(const bs_model *model, bool propto, bool jacobian, const double *x, double *value, char **error) {
  double gradient[2];
  return bs_log_density_gradient(model, propto, jacobian, x, value, gradient, error);
}

} // extern "C"
