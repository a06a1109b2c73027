/* SPDX-License-Identifier: MIT
 *
 * Plugins that do what plugins should not: one rule of batch size 32 that has one
 * fault, chosen by -DHOSTILE_<KIND>. Valid as C++ too, for those that throw.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fenv.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controllers/plugin_abi.h"
#if defined(HOSTILE_FLUSHES) || defined(HOSTILE_FLUSHES_ON_LOAD)
#include <xmmintrin.h>
#ifdef HOSTILE_FLUSHES_ON_LOAD /* as libraries linked with -ffast-math do */
__attribute__((constructor))
#endif
static void
flush_to_zero(void) {
  _mm_setcsr(_mm_getcsr() | 0x8040);
}
#endif

#ifdef HOSTILE_EXITS_ON_LOAD
__attribute__((constructor)) static void leave(void) { exit(0); }
#endif

#if defined(HOSTILE_ENDLESS) || defined(HOSTILE_CREATE_ENDLESS) || \
    defined(HOSTILE_DESTROY_ENDLESS) || defined(HOSTILE_MEASURE_ENDLESS)
static void go_on(void) {
  for (volatile int always = 1; always != 0;) {
  }
}
#endif

#ifdef HOSTILE_SYMBOL_MISSING
#define batchlab_plugin some_other_function
const batchlab_descriptor* batchlab_plugin(void);
#endif

/* The faults of numbers. */
#if defined(HOSTILE_BATCH_ZERO)
#define BATCH_SIZE 0
#elif defined(HOSTILE_BATCH_NEGATIVE)
#define BATCH_SIZE -1
#elif defined(HOSTILE_BATCH_HUGE)
#define BATCH_SIZE ((double)INT64_MAX)
#elif defined(HOSTILE_BATCH_NAN)
#define BATCH_SIZE ((double)NAN)
#elif defined(HOSTILE_BATCH_INFINITE)
#define BATCH_SIZE ((double)INFINITY)
#else
#define BATCH_SIZE 32
#endif

#ifdef HOSTILE_LEAVES
/* Once: a process in a session of its own that is nobody's child. Its number goes to the
 * file that BATCHLAB_TEST_CHILD names. */
static void leave_a_process(void) {
  static int left;
  const char* const path = getenv("BATCHLAB_TEST_CHILD");
  pid_t middle;
  if (left++ != 0) return;
  middle = fork();
  if (middle == 0) {
    const pid_t child = setsid() < 0 ? -1 : fork();
    while (child == 0) pause();
    if (path != NULL) {
      FILE* const file = fopen(path, "w");
      fprintf(file, "%d", (int)child);
      fclose(file);
    }
    _exit(0);
  }
  waitpid(middle, NULL, 0);
}
#endif

/* The rest of what goes wrong, when a step was made (so not for the first batch). */
static int misbehave(batchlab_decision* decision, batchlab_text* error) {
  static const char* const ten = "0123456789";
  (void)decision;
  (void)error;
  (void)ten;
#if defined(HOSTILE_ABORT)
  abort();
#elif defined(HOSTILE_SEGFAULT)
  volatile intptr_t nowhere = 8;
  *(volatile int*)nowhere = 1;
#elif defined(HOSTILE_KILLED)
  raise(SIGKILL);
#elif defined(HOSTILE_EXIT)
  fputs("its last words\n", stderr);
  exit(3);
#elif defined(HOSTILE_EXIT_SUCCESS)
  _exit(0);
#elif defined(HOSTILE_LEAVES)
  leave_a_process();
#elif defined(HOSTILE_ENDLESS)
  go_on();
#elif defined(HOSTILE_ALLOCATES)
  for (;;) {
    char* volatile megabytes = (char*)malloc((size_t)16 << 20); /* or it is left out */
    if (megabytes == NULL) abort();
    memset(megabytes, 1, (size_t)16 << 20);
  }
#elif defined(HOSTILE_THROWS)
  throw 42;
#elif defined(HOSTILE_THROWS_ERROR)
  throw std::runtime_error("out of luck\n");
#elif defined(HOSTILE_ROUNDING)
  fesetround(FE_UPWARD);
#elif defined(HOSTILE_FLUSHES)
  flush_to_zero();
#elif defined(HOSTILE_LOCALE)
  {
    static locale_t kept;
    kept = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);
    setlocale(LC_ALL, "C.UTF-8");
    uselocale(kept);
  }
#elif defined(HOSTILE_PRINTS)
  printf("{\"batch_size\": 1}\n");
  fflush(stdout);
#elif defined(HOSTILE_ERROR_UNTERMINATED)
  error->data = ten;
  error->length = 3;
  return batchlab_failed;
#elif defined(HOSTILE_ERROR_HUGE)
  {
    static char text[10000000];
    memset(text, 'x', sizeof text);
    error->data = text;
    error->length = sizeof text;
    return batchlab_failed;
  }
#elif defined(HOSTILE_ERROR_LIES)
  { /* far more than there is: what is behind the first 400 bytes is not readable */
    static char text[500];
    memset(text, 'x', sizeof text);
    error->data = text;
    error->length = SIZE_MAX;
    return batchlab_failed;
  }
#elif defined(HOSTILE_ERROR_ABSENT)
  return 77;
#elif defined(HOSTILE_REASON_HUGE)
  {
    static char text[10000000];
    memset(text, '\033', sizeof text);
    decision->reason.data = text;
    decision->reason.length = SIZE_MAX;
  }
#elif defined(HOSTILE_RATE_NAN)
  decision->given = batchlab_given_learning_rate;
  decision->learning_rate = NAN;
#elif defined(HOSTILE_FACTOR_ZERO)
  decision->learning_rate_factor = 0;
#elif defined(HOSTILE_SUBSET_NEGATIVE)
  decision->given = batchlab_given_subset;
  decision->subset_first = -1;
  decision->subset_count = 10;
#elif defined(HOSTILE_SUBSET_BEYOND)
  decision->given = batchlab_given_subset;
  decision->subset_first = 1000000;
  decision->subset_count = 10;
#elif defined(HOSTILE_GIVEN_UNKNOWN)
  decision->given = (uint64_t)1 << 40;
#elif defined(HOSTILE_BRANCHES)
  decision->given = batchlab_given_go_back_to;
  decision->go_back_to = 7;
#endif
  return batchlab_ok;
}

static int create(const void* context, const batchlab_setting* setting, void** instance,
                  batchlab_text* error) {
  static int nothing;
  (void)context;
  (void)setting;
  (void)error;
  *instance = &nothing;
#ifdef HOSTILE_CREATE_ABORTS
  abort();
#elif defined(HOSTILE_CREATE_ENDLESS)
  go_on();
#endif
#ifdef HOSTILE_CREATE_FAILS
  {
    static const batchlab_text why = BATCHLAB_TEXT("the data are too small");
    *error = why;
    return batchlab_usage;
  }
#else
  return batchlab_ok;
#endif
}

static void destroy(void* instance) {
  (void)instance;
#ifdef HOSTILE_DESTROY_ABORTS
  abort();
#elif defined(HOSTILE_DESTROY_ENDLESS)
  go_on();
#endif
}

static int decide(void* instance, const batchlab_statistics* statistics,
                  batchlab_decision* decision, batchlab_text* error) {
  static const batchlab_text reason = BATCHLAB_TEXT("always");
  (void)instance;
  decision->batch_size = statistics->step == 0 ? 32 : BATCH_SIZE;
  decision->reason = reason;
  return statistics->step == 0 ? batchlab_ok : misbehave(decision, error);
}

#if defined(HOSTILE_SAVES_DEEP) || defined(HOSTILE_LIMITS_DEEP)
static batchlab_text nested(void) { /* 100,000 lists, each in another */
  static char text[200000];
  const batchlab_text all = {text, sizeof text};
  memset(text, '[', sizeof text / 2);
  memset(text + sizeof text / 2, ']', sizeof text / 2);
  return all;
}
#endif

#if defined(HOSTILE_SAVES_NO_JSON) || defined(HOSTILE_SAVES_DEEP) || \
    defined(HOSTILE_SAVES_MUCH)
static int save(void* instance, batchlab_text* json, batchlab_text* error) {
#if defined(HOSTILE_SAVES_DEEP)
  *json = nested();
#elif defined(HOSTILE_SAVES_MUCH)
  static char text[1000001];
  const batchlab_text state = {text, sizeof text};
  memset(text, '1', sizeof text);
  *json = state;
#else
  static const batchlab_text state = BATCHLAB_TEXT("{\"a\": ");
  *json = state;
#endif
  (void)instance;
  (void)error;
  return batchlab_ok;
}
static int load(void* instance, batchlab_text json, batchlab_text* error) {
  (void)instance;
  (void)json;
  (void)error;
  return batchlab_ok;
}
#define SAVE save
#define LOAD load
#else
#define SAVE NULL
#define LOAD NULL
#endif

#if defined(HOSTILE_MEASURE_THROWS) || defined(HOSTILE_MEASURE_ABORTS) || \
    defined(HOSTILE_MEASURE_EXITS) || defined(HOSTILE_MEASURE_ENDLESS) || \
    defined(HOSTILE_MEASURE_NAN)
#define MEASURES
#endif
#ifdef HOSTILE_RANGE_UPSIDE_DOWN
#define RANGE 9, 1
#else
#define RANGE 1, 9
#endif
#ifdef HOSTILE_DEFAULT_NO_JSON
#define DEFAULT "{["
#elif defined(HOSTILE_DEFAULT_OUTSIDE)
#define DEFAULT "10"
#elif defined(MEASURES)
#define DEFAULT ""
#else
#define DEFAULT "2"
#endif
#ifdef MEASURES
static double measure(double a_seconds, double b_seconds) {
  (void)a_seconds;
  (void)b_seconds;
#if defined(HOSTILE_MEASURE_THROWS)
  throw std::runtime_error("no clock here");
#elif defined(HOSTILE_MEASURE_ABORTS)
  abort();
#elif defined(HOSTILE_MEASURE_EXITS)
  _exit(0);
#elif defined(HOSTILE_MEASURE_ENDLESS)
  go_on();
#endif
  return NAN;
}
#define KIND batchlab_number
#define MEASURE measure
#else
#define KIND batchlab_integer
#define MEASURE NULL
#endif

static const batchlab_option options[] = {{BATCHLAB_TEXT("patience"),
                                           KIND,
                                           BATCHLAB_TEXT(DEFAULT),
                                           RANGE,
                                           BATCHLAB_TEXT("steps"),
                                           BATCHLAB_TEXT("of no meaning"),
                                           NULL,
                                           0,
                                           {NULL, 0},
                                           NULL,
                                           0,
                                           MEASURE}};

#ifdef HOSTILE_NAME_MISSING
#define NAME \
  { NULL, 0 }
#elif defined(HOSTILE_NAME_ODD)
#define NAME BATCHLAB_TEXT("../mine\033")
#else
#define NAME BATCHLAB_TEXT("hostile")
#endif
#ifdef HOSTILE_DECIDE_MISSING
#define DECIDE NULL
#else
#define DECIDE decide
#endif
#ifdef HOSTILE_NEEDS_UNKNOWN
#define NEEDS ((uint64_t)1 << 40)
#else
#define NEEDS 0
#endif

#ifdef HOSTILE_FLAGS_UNKNOWN
#define FLAGS ((uint64_t)1 << 40)
#else
#define FLAGS 0
#endif

#define ENTRY                                                                      \
  {                                                                                \
    NAME, BATCHLAB_TEXT("always 32"), BATCHLAB_TEXT("nowhere"), options, 1, FLAGS, \
        NEEDS, {NULL, 0}, NULL, create, destroy, DECIDE, SAVE, LOAD, NULL, NULL    \
  }
#ifdef HOSTILE_NAMES_TWICE
static const batchlab_entry entries[] = {ENTRY, ENTRY};
#else
static const batchlab_entry entries[] = {ENTRY};
#endif

const batchlab_descriptor* batchlab_plugin(void) {
  (void)decide;
  static batchlab_descriptor descriptor = {BATCHLAB_DESCRIPTOR_HEAD,
                                           BATCHLAB_TEXT("6.66"), entries,
                                           sizeof entries / sizeof entries[0]};
#if defined(HOSTILE_MAGIC_WRONG)
  descriptor.magic[0] = 'X';
#elif defined(HOSTILE_VERSION_NEWER)
  descriptor.abi_version = BATCHLAB_ABI_VERSION + 1;
#elif defined(HOSTILE_VERSION_OLDER)
  descriptor.abi_version = 0;
#elif defined(HOSTILE_SIZE_WRONG)
  descriptor.entry_size = 1u << 30;
#elif defined(HOSTILE_ENTRIES_MISSING)
  descriptor.entry_count = 0;
#elif defined(HOSTILE_OLDER_STRUCTS)
  { /* all but the fields from `save` on; what is behind is not to be read */
    static batchlab_entry cut;
    memset(&cut, 0x5a, sizeof cut);
    memcpy(&cut, entries, offsetof(batchlab_entry, save));
    descriptor.entries = &cut;
    descriptor.entry_size = (uint32_t)offsetof(batchlab_entry, save);
  }
#elif defined(HOSTILE_LIMITS_DEEP)
  {
    static batchlab_entry changed;
    memcpy(&changed, entries, sizeof changed);
    changed.limits_json = nested();
    descriptor.entries = &changed;
  }
#elif defined(HOSTILE_DESCRIBES_NOTHING)
  return NULL;
#endif
  return &descriptor;
}
