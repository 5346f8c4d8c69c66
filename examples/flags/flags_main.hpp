#pragma once

#include <fmt/format.h>

#include <functional>
#include <string>
#include <vector>

#include "http/transfer.hpp"

/// What the programs beside this file have in common, as the others import flags.py in the lessons.
namespace flags {

using Codes = std::vector<std::string>;

/// How the download of one flag ended.
struct Outcome {
  std::string code;   // of the country
  std::string error;  // its kind, such as "NotFound"; empty: the flag has come
};

/// Where the flag is.
bench::http::Request request_of(const std::string& code);

/// Its bytes. Throws bench::http::DownloadError.
std::string get_flag(const std::string& code);

/// Writes it to the directory that was given, if one was.
void save_flag(const std::string& image, const std::string& code);

/// Tells that it has come: its code, or a step of the progress bar if a person is looking. Any
/// thread or process.
void show(const std::string& code);

/// For a handler: what has just been caught, by its kind.
Outcome failed(const std::string& code);

/// The program: downloads 20 flags with `download_many`, says how long that took and which errors
/// there were; returns its exit status. Its arguments are the address of a server, without which it
/// starts one, and a directory to save to.
int main_of(int argc, char** argv,
            const std::function<std::vector<Outcome>(const Codes&)>& download_many);

}  // namespace flags
