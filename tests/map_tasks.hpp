#pragma once

#include <type_traits>
#include <vector>

#include "tasks.hpp"

/// What the tests of map() map, and what they expect.
namespace poolmark::test {

/// All that a map yields; throws what it throws.
template <class Map>
auto collect(Map&& results) {
  std::vector<typename std::remove_cvref_t<Map>::value_type> values;
  for (auto value : results) values.push_back(value);
  return values;
}

inline std::vector<int> squares_below(int n) {
  std::vector<int> squares;
  for (int i = 0; i < n; ++i) squares.push_back(i * i);
  return squares;
}

/// Posts its argument and waits, so that the test sees what was begun.
struct PostAndWait {
  MailboxName begun;
  EventName may_end;
  int operator()(int x) const {
    begun.post(x);
    may_end.wait();
    return x;
  }
};

struct Post {
  MailboxName box;
  int operator()(int x) const { return post(box, x); }
};

/// Holds back the element 0 only.
struct HoldZero {
  EventName may_end;
  int operator()(int x) const {
    if (x == 0) may_end.wait();
    return x;
  }
};

}  // namespace poolmark::test
