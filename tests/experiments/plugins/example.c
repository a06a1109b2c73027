/* SPDX-License-Identifier: MIT
 *
 * A controller in plain C: doubles the batch while the noise of the gradient is larger
 * than the gradient,
 *
 *     B  <-  2 B    where    V / B  >  q
 *
 * V: trace of the covariance of the gradients of single examples, q: |mean gradient|^2.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "controllers/plugin_abi.h"

typedef struct rule {
  double batch_size;
  char text[80]; /* the reason, or the state, last given */
} rule;

static int create(const void* context, const batchlab_setting* setting, void** instance,
                  batchlab_text* error) {
  static const batchlab_text too_large =
      BATCHLAB_TEXT("batch_size must be at most the training set");
  const double batch_size = setting->values[0].number; /* of the only option */
  rule* self;
  (void)context;
  if (batch_size > (double)setting->training_set_size) {
    *error = too_large;
    return batchlab_usage;
  }
  self = (rule*)calloc(1, sizeof *self);
  if (self == NULL) return batchlab_failed;
  self->batch_size = batch_size;
  *instance = self;
  return batchlab_ok;
}

static void destroy(void* instance) { free(instance); }

static batchlab_text view(const rule* self, int length) {
  const batchlab_text text = {self->text, (size_t)length};
  return text;
}

static int decide(void* instance, const batchlab_statistics* statistics,
                  batchlab_decision* decision, batchlab_text* error) {
  const uint64_t both =
      batchlab_need_gradient_variance_trace | batchlab_need_gradient_norm_squared;
  rule* self = (rule*)instance;
  const double noise =
      statistics->gradient_variance_trace / (double)statistics->batch_size;
  const double gradient = statistics->gradient_norm_squared;
  const int measured = (statistics->measured & both) == both;
  (void)error;
  if (measured && noise > gradient && self->batch_size < 1e12) self->batch_size *= 2;
  decision->batch_size = self->batch_size;
  decision->reason =
      view(self, snprintf(self->text, sizeof self->text, "V / B %.4g, q %.4g",
                          measured ? noise : NAN, measured ? gradient : NAN));
  return batchlab_ok;
}

static int save(void* instance, batchlab_text* json, batchlab_text* error) {
  rule* self = (rule*)instance;
  (void)error;
  *json =
      view(self, snprintf(self->text, sizeof self->text, "%.17g", self->batch_size));
  return batchlab_ok;
}

static int load(void* instance, batchlab_text json, batchlab_text* error) {
  rule* self = (rule*)instance;
  (void)error;
  snprintf(self->text, sizeof self->text, "%.*s", (int)json.length, json.data);
  self->batch_size = strtod(self->text, NULL);
  return batchlab_ok;
}

static const batchlab_option options[] = {
    {.name = BATCHLAB_TEXT("batch_size"),
     .kind = batchlab_integer,
     .default_json = BATCHLAB_TEXT("32"),
     .minimum = 1,
     .maximum = 1e12,
     .unit = BATCHLAB_TEXT("examples"),
     .help = BATCHLAB_TEXT("the first batch size")},
};

static const batchlab_entry entries[] = {
    {.name = BATCHLAB_TEXT("c_doubling"),
     .summary = BATCHLAB_TEXT("doubles the batch while noise exceeds the gradient"),
     .source = BATCHLAB_TEXT("an example in C"),
     .options = options,
     .option_count = 1,
     .needs =
         batchlab_need_gradient_variance_trace | batchlab_need_gradient_norm_squared,
     .limits_json = BATCHLAB_TEXT("{\"growth\": 2}"),
     .create = create,
     .destroy = destroy,
     .decide = decide,
     .save = save,
     .load = load},
};

const batchlab_descriptor* batchlab_plugin(void) {
  static const batchlab_descriptor descriptor = {BATCHLAB_DESCRIPTOR_HEAD,
                                                 BATCHLAB_TEXT("0.1"), entries, 1};
  return &descriptor;
}
