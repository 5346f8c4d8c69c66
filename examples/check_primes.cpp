// CPU-bound work in worker processes: which of these numbers are prime, and in what order do the
// answers come? Submitted largest first, so that the long ones do not come last.
#include <poolmark/futures.hpp>

#include <chrono>
#include <cstdint>
#include <vector>

namespace pm = poolmark;

struct Answer {
  std::int64_t number;
  bool prime;
  std::chrono::nanoseconds took;
};

Answer check(std::int64_t number) {
  const auto start = std::chrono::steady_clock::now();
  bool prime = number >= 2 && (number == 2 || number % 2 != 0);
  for (std::int64_t divisor = 3; prime && divisor <= number / divisor; divisor += 2) {
    prime = number % divisor != 0;
  }
  return {number, prime, std::chrono::steady_clock::now() - start};
}

int main() {
  pm::start_zygote();
  pm::ProcessPoolExecutor pool{{.start_method = pm::StartMethod::ProcessZygote}};
  fmt::print("checking with {} worker processes:\n", pool.max_workers());

  std::vector<pm::Future<Answer>> answers;
  const std::vector<std::int64_t> numbers{9999999999999999, 3333333333333333, 3333333333333301,
                                          299593572317531,  142702110479723,  2};
  for (const std::int64_t number : numbers) {
    answers.push_back(pool.submit(check, number));
  }
  int primes = 0;
  for (pm::Future<Answer>& done : pm::as_completed(answers)) {
    const auto [number, prime, took] = done.result();
    primes += prime ? 1 : 0;
    fmt::print("{:16} {} {:9.6f} s\n", number, prime ? "P" : " ",
               std::chrono::duration<double>(took).count());
  }
  fmt::print("{} primes\n", primes);
  return primes == 4 ? 0 : 1;
}
