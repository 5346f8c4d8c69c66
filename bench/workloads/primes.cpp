#include "workloads/workloads.hpp"

#include <vector>

namespace bench {
namespace {

struct Number {
  std::uint64_t value;
  bool is_prime;
};

// Largest first: whoever takes tasks in order starts the long ones early and fills the gaps at the
// end with short ones. A composite number is short work whatever its size.
constexpr Number kNumbers[] = {{9999999999999999, false}, {9999999999999917, true},
                               {7777777777777777, false}, {7777777777777753, true},
                               {7777777536340681, false}, {6666667141414921, false},
                               {6666666666666719, true},  {6666666666666666, false},
                               {5555555555555555, false}, {5555555555555503, true},
                               {5555553133149889, false}, {4444444488888889, false},
                               {4444444444444444, false}, {4444444444444423, true},
                               {3333335652092209, false}, {3333333333333333, false},
                               {3333333333333301, true},  {299593572317531, true},
                               {142702110479723, true},   {2, true}};

/// Never rests: a loop that runs it does nothing else meanwhile.
poolmark::Coroutine<bool> is_prime_on_loop(std::uint64_t number) { co_return is_prime(number); }

}  // namespace

bool is_prime(std::uint64_t number) {
  if (number < 2) return false;
  if (number % 2 == 0) return number == 2;
  for (std::uint64_t divisor = 3; divisor * divisor <= number; divisor += 2) {
    if (number % divisor == 0) return false;
  }
  return true;
}

poolmark::harness::Workload<std::uint64_t, bool> primes() {
  std::vector<std::uint64_t> numbers;
  std::vector<bool> answers;
  for (const Number& number : kNumbers) {
    numbers.push_back(number.value);
    answers.push_back(number.is_prime);
  }
  return {.name = "primes",
          .inputs = numbers,
          .task = is_prime,
          .check = poolmark::harness::results_are<std::uint64_t, bool>("primes", answers),
          .coroutine = is_prime_on_loop};
}

}  // namespace bench
