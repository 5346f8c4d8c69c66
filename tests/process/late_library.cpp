// Loaded by process_pool_late_code_test while a pool runs.
extern "C" int late_double(int x);
extern "C" int late_double(int x) { return 2 * x; }
