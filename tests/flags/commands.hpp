#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <string>

namespace bench::test {

struct Said {
  int status;        // the exit status
  std::string text;  // on standard output and standard error
};

/// Runs a command of the shell to its end; its standard input is empty.
inline Said run_command(const std::string& command) {
  Said said{};
  std::FILE* const pipe = popen(("{ " + command + "; } 2>&1 < /dev/null").c_str(), "r");
  for (int c = std::getc(pipe); c != EOF; c = std::getc(pipe)) said.text += static_cast<char>(c);
  said.status = WEXITSTATUS(pclose(pipe));
  return said;
}

}  // namespace bench::test
