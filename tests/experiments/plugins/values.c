/* SPDX-License-Identifier: MIT
 *
 * A controller in plain C that says what it was given: refuses to be made, with every
 * value as name, number, text, JSON.
 */
#include <stdio.h>

#include "controllers/plugin_abi.h"

static int create(const void* context, const batchlab_setting* setting, void** instance,
                  batchlab_text* error) {
  static char text[1000];
  size_t i, length = 0;
  (void)instance;
  for (i = 0; i < setting->value_count && length < sizeof text; ++i) {
    const batchlab_value* value = &setting->values[i];
    length +=
        (size_t)snprintf(text + length, sizeof text - length, "%.*s|%g|%.*s|%.*s; ",
                         (int)value->name.length, value->name.data, value->number,
                         (int)value->text.length, value->text.data,
                         (int)value->json.length, value->json.data);
  }
  length +=
      (size_t)snprintf(text + length, sizeof text - length, "N %lld, %s",
                       (long long)setting->training_set_size, (const char*)context);
  error->data = text;
  error->length = length;
  return batchlab_failed;
}

static void destroy(void* instance) { (void)instance; }

static int decide(void* instance, const batchlab_statistics* statistics,
                  batchlab_decision* decision, batchlab_text* error) {
  (void)instance;
  (void)statistics;
  (void)decision;
  (void)error;
  return batchlab_failed;
}

static double ratio(double a_seconds, double b_seconds) {
  return a_seconds / b_seconds;
}

static const batchlab_text shapes[] = {BATCHLAB_TEXT("round"), BATCHLAB_TEXT("square")};

#define NAMED(name, kind, json) BATCHLAB_TEXT(name), kind, BATCHLAB_TEXT(json), 0, 9
#define EMPTY \
  { NULL, 0 }
static const batchlab_option options[] = {
    {NAMED("count", batchlab_integer, "7"), EMPTY, EMPTY, NULL, 0, EMPTY, NULL, 0,
     NULL},
    {NAMED("fast", batchlab_boolean, "true"), EMPTY, EMPTY, NULL, 0, EMPTY, NULL, 0,
     NULL},
    {NAMED("shape", batchlab_choice, "\"round\""), EMPTY, EMPTY, shapes, 2, EMPTY, NULL,
     0, NULL},
    {NAMED("radius", batchlab_number, "1.5"), EMPTY, EMPTY, NULL, 0,
     BATCHLAB_TEXT("shape"), &shapes[0], 1, NULL},
    {NAMED("side", batchlab_number, "2.5"), EMPTY, EMPTY, NULL, 0,
     BATCHLAB_TEXT("shape"), &shapes[1], 1, NULL},
    {NAMED("ratio", batchlab_number, "null"), EMPTY, EMPTY, NULL, 0, EMPTY, NULL, 0,
     ratio},
    {NAMED("sizes", batchlab_integer_list, "[1, 2]"), EMPTY, EMPTY, NULL, 0, EMPTY,
     NULL, 0, NULL}};

static const batchlab_entry entries[] = {
    {BATCHLAB_TEXT("says_values"), BATCHLAB_TEXT("says what it was given"),
     BATCHLAB_TEXT("nowhere"), options, sizeof options / sizeof options[0],
     batchlab_open_loop | batchlab_plain_sgd_only, 0, EMPTY, "its context", create,
     destroy, decide, NULL, NULL, NULL, NULL}};

const batchlab_descriptor* batchlab_plugin(void) {
  static const batchlab_descriptor descriptor = {BATCHLAB_DESCRIPTOR_HEAD,
                                                 BATCHLAB_TEXT("1"), entries, 1};
  return &descriptor;
}
