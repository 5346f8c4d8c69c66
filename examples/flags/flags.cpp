// Twenty flags, one after the other.
#include "flags_main.hpp"

using namespace flags;

std::vector<Outcome> download_many(const Codes& codes) {
  std::vector<Outcome> outcomes;
  for (const std::string& code : codes) {
    try {
      save_flag(get_flag(code), code);
      show(code);
      outcomes.push_back({code, ""});
    } catch (const std::exception&) {
      outcomes.push_back(failed(code));
    }
  }
  return outcomes;
}

int main(int argc, char** argv) { return main_of(argc, argv, download_many); }
