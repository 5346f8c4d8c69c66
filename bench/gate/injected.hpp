#pragma once

#include <cstdint>
#include <string_view>

/// What scripts/validate-gate slows down on purpose: it writes this file anew in a copy of the
/// tree, builds that, and asks the gate what it sees. Here nothing is slowed down, and the compiler
/// leaves nothing of it behind.
namespace bench::injected {

/// The cell that is slowed down; empty: every one.
inline constexpr std::string_view kCell = "";

/// Each task of steps computes so many more, as a part of them.
inline constexpr double kMoreOfTheKernel = 0;
/// Each task computes so many steps more, however short it is.
inline constexpr std::uint32_t kStepsMore = 0;
/// Each task takes so many pieces of memory from the heap and gives them back.
inline constexpr int kAllocations = 0;
/// Each task computes so many steps while it holds a lock that all share.
inline constexpr std::uint32_t kStepsLocked = 0;
/// Each nap is longer by this part of it.
inline constexpr double kMoreOfTheNap = 0;

/// Whether tasks do anything beside their work.
inline constexpr bool kSlowsTasks = kStepsMore > 0 || kAllocations > 0 || kStepsLocked > 0;

}  // namespace bench::injected
