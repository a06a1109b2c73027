/* SPDX-License-Identifier: MIT
 *
 * Controllers in a shared library: plain C, no other header of batchlab is needed. In
 * C++, plugin.hpp does all of this with one line.
 *
 * The library exports one function, batchlab_plugin(), and nothing else need be
 * visible. What it returns lives as long as the library. Rules:
 *
 * - Nothing crosses but the types of this header: no exception, no ownership of memory.
 * - A text is a view, UTF-8, its end not marked. Those that a call gives are valid to
 *   the end of the call; those that a plugin gives, until the next call of the same
 *   instance (create: until the next call in the same thread).
 * - A function that can fail returns 0, or batchlab_failed or batchlab_usage and says
 *   why in *error.
 * - One instance is called by one thread at a time, several by several.
 * - A plugin leaves rounding mode, locale, signals, standard output alone.
 *
 * Compatibility: BATCHLAB_ABI_VERSION grows by one with every addition. Additions are
 * fields at the end of a struct that has a size, and new enumerators; batchlab_text
 * and batchlab_value never change. A plugin gives the sizes that it was compiled with,
 * so an older one works with a newer batchlab, which takes what it does not have for
 * zero. A plugin of a newer version is refused.
 */
#ifndef BATCHLAB_PLUGIN_ABI_H
#define BATCHLAB_PLUGIN_ABI_H

#include <stddef.h>
#include <stdint.h>

#define BATCHLAB_ABI_VERSION 1

#if defined(__GNUC__)
#define BATCHLAB_EXPORT __attribute__((visibility("default")))
#else
#define BATCHLAB_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct batchlab_text {
  const char* data;
  size_t length;
} batchlab_text;

/* As an initializer; "literal" without its zero. */
#define BATCHLAB_TEXT(literal) \
  { literal, sizeof(literal) - 1 }

enum batchlab_result {
  batchlab_ok = 0,
  batchlab_failed = 1,
  batchlab_usage = 2 /* what the user gave cannot be */
};

/* Bits of needs, and of batchlab_statistics.measured. */
enum batchlab_need {
  batchlab_need_gradient_norm_squared = 1 << 0,
  batchlab_need_gradient_variance_trace = 1 << 1,
  batchlab_need_true_gradient_norm_squared = 1 << 2,
  batchlab_need_noise_scale = 1 << 3,
  batchlab_need_noise_scale_low = 1 << 4,
  batchlab_need_noise_scale_high = 1 << 5,
  batchlab_need_example_gradient_norm_squared_mean = 1 << 6,
  batchlab_need_inner_product_variance = 1 << 7,
  batchlab_need_orthogonal_variance = 1 << 8,
  batchlab_need_half_batch_cosine = 1 << 9,
  batchlab_need_step_seconds = 1 << 10,
  batchlab_need_validation_loss = 1 << 11,
  batchlab_need_validation_accuracy = 1 << 12,
  batchlab_need_training_loss = 1 << 13
};

/* Of the step just made. What they mean, and in which unit: statistics.hpp. */
typedef struct batchlab_statistics {
  size_t size;       /* of this struct */
  uint64_t measured; /* batchlab_need of the second group; the rest of it is NaN */

  /* Always present; before the first step all zero but training_set_size. */
  int64_t step;
  int64_t examples_seen;
  int64_t epochs_completed;
  int64_t batch_size;
  int64_t training_set_size;
  double learning_rate;
  double batch_loss; /* NaN when it diverged */

  /* Where the controller needs them and they are defined. */
  double gradient_norm_squared;
  double gradient_variance_trace;
  double true_gradient_norm_squared;
  double noise_scale;
  double noise_scale_low;
  double noise_scale_high;
  double example_gradient_norm_squared_mean;
  double inner_product_variance;
  double orthogonal_variance;
  double half_batch_cosine;
  double step_seconds;
  double validation_loss;
  double validation_accuracy;
  double training_loss;
} batchlab_statistics;

/* Bits of batchlab_decision.given. */
enum batchlab_given {
  batchlab_given_learning_rate = 1 << 0,
  batchlab_given_subset = 1 << 1,
  batchlab_given_keep_as = 1 << 2,
  batchlab_given_go_back_to = 1 << 3
};

/* All is zero before, but size and learning_rate_factor (1). */
typedef struct batchlab_decision {
  size_t size;                 /* of this struct */
  double batch_size;           /* wanted for the next step, in [1, 1e15] examples */
  batchlab_text reason;        /* in words, with the numbers; 400 bytes are kept */
  double learning_rate_factor; /* on the base rate of the next step; positive */
  uint64_t given;              /* batchlab_given: which of the following count */
  double learning_rate;        /* base rate of the next step; positive */
  int64_t subset_first;        /* of the training split, by position */
  int64_t subset_count;
  int32_t keep_as; /* of an entry that branches: see Branching in controller.hpp */
  int32_t go_back_to;
  int32_t trial; /* 0 or 1 */
} batchlab_decision;

enum batchlab_kind {
  batchlab_integer = 0,
  batchlab_number = 1,
  batchlab_boolean = 2,
  batchlab_choice = 3,
  batchlab_text_kind = 4,
  batchlab_integer_list = 5,
  batchlab_number_list = 6,
  batchlab_text_list = 7,
  batchlab_table = 8,
  batchlab_table_list = 9,
  batchlab_name_list = 10
};

typedef struct batchlab_option {
  batchlab_text name;
  int32_t kind;                 /* batchlab_kind */
  batchlab_text default_json;   /* "32", "\"linear\"", "null": may be left out */
  double minimum, maximum;      /* inclusive, of numbers and members of lists of them */
  batchlab_text unit;           /* "examples"; empty for a pure number */
  batchlab_text help;           /* one sentence */
  const batchlab_text* choices; /* of a choice */
  size_t choice_count;
  /* Has a meaning only where the option `only_for` further up has one of the values. */
  batchlab_text only_for; /* empty: always */
  const batchlab_text* only_for_values;
  size_t only_for_value_count;
  /* Where it is unset: from the measured time of a step, a + b B seconds. Or null. */
  double (*from_step_time)(double a_seconds, double b_seconds);
} batchlab_option;

/* What was chosen for an option, checked against its row. */
typedef struct batchlab_value {
  batchlab_text name;
  double number;      /* of a number, an integer, a boolean (0, 1); else NaN */
  batchlab_text text; /* of a text, a choice; else empty */
  batchlab_text json; /* whatever it is; "null" if unset */
} batchlab_value;

/* What an instance is made from. */
typedef struct batchlab_setting {
  size_t size;                  /* of this struct */
  int64_t training_set_size;    /* examples of the training split */
  const batchlab_value* values; /* every option that has a meaning */
  size_t value_count;
} batchlab_setting;

/* Bits of batchlab_entry.flags; see Entry in registry.hpp. */
enum batchlab_flag {
  batchlab_open_loop = 1 << 0, /* reads counts alone: steps, examples, epochs */
  batchlab_extends_batches = 1 << 1,
  batchlab_branches = 1 << 2,
  batchlab_plain_sgd_only = 1 << 3
};

typedef struct batchlab_entry {
  batchlab_text name;             /* a-z, then a-z 0-9 _; so for options */
  batchlab_text summary;          /* one line */
  batchlab_text source;           /* paper or code, with year */
  const batchlab_option* options; /* descriptor.option_size bytes each */
  size_t option_count;
  uint64_t flags;
  uint64_t needs;            /* of every instance */
  batchlab_text limits_json; /* defaults of the safety layer; empty: its own */

  const void* context; /* handed to create; batchlab does not look at it */
  int (*create)(const void* context, const batchlab_setting* setting, void** instance,
                batchlab_text* error);
  void (*destroy)(void* instance);
  /* Before the first step, then after every step. Same calls, same answers. */
  int (*decide)(void* instance, const batchlab_statistics* statistics,
                batchlab_decision* decision, batchlab_text* error);

  /* The following may be null. Everything that an instance remembers, as JSON;
     load(save()) gives the same future; at most 1,000,000 bytes. Both or neither. */
  int (*save)(void* instance, batchlab_text* json, batchlab_text* error);
  int (*load)(void* instance, batchlab_text json, batchlab_text* error);
  /* Needs that depend on the options: in place of `needs`. */
  int (*instance_needs)(void* instance, uint64_t* needs, batchlab_text* error);
  /* For batchlab_extends_batches: the examples that the batch should have before it is
     applied; 0: no more. */
  int (*extended_batch_size)(void* instance, const batchlab_statistics* statistics,
                             double* examples, batchlab_text* error);
} batchlab_entry;

typedef struct batchlab_descriptor {
  char magic[8]; /* BATCHLAB_MAGIC */
  uint32_t abi_version;
  uint32_t descriptor_size, entry_size, option_size, statistics_size, decision_size;
  batchlab_text version; /* the plugin's own */
  const batchlab_entry* entries;
  size_t entry_count;
} batchlab_descriptor;

#define BATCHLAB_MAGIC \
  { 'b', 'a', 't', 'c', 'h', 'l', 'a', 'b' }

/* The first fields of a batchlab_descriptor. */
#define BATCHLAB_DESCRIPTOR_HEAD                                               \
  BATCHLAB_MAGIC, BATCHLAB_ABI_VERSION, (uint32_t)sizeof(batchlab_descriptor), \
      (uint32_t)sizeof(batchlab_entry), (uint32_t)sizeof(batchlab_option),     \
      (uint32_t)sizeof(batchlab_statistics), (uint32_t)sizeof(batchlab_decision)

BATCHLAB_EXPORT const batchlab_descriptor* batchlab_plugin(void);

#ifdef __cplusplus
}
#endif

#endif
