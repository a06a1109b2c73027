// SPDX-License-Identifier: MIT
#include "experiments/plugins/serve.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "controllers/error.hpp"
#include "experiments/plugins/descriptor.hpp"
#include "experiments/plugins/documents.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

// The other process, by descriptors that nothing else in this one knows of.
class Lines {
 public:
  Lines()
      : input_(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)),
        output_(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)) {
    ::dup2(STDERR_FILENO, STDOUT_FILENO);
    const Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ::dup2(nothing.get(), STDIN_FILENO);
  }

  // Nothing at the end, or where a line is torn.
  std::optional<std::string> read() {
    std::size_t end = 0;
    while ((end = unread_.find('\n')) == unread_.npos) {
      std::array<char, 65536> bytes;
      const ssize_t count = ::read(input_.get(), bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return std::nullopt;
      unread_.append(bytes.data(), static_cast<std::size_t>(count));
    }
    std::string line = unread_.substr(0, end);
    unread_.erase(0, end + 1);
    return line;
  }

  // Whether somebody listens.
  [[nodiscard]] bool write(std::string line) const {
    line += '\n';
    for (std::string_view left = line; !left.empty();) {
      const ssize_t count = ::write(output_.get(), left.data(), left.size());
      if (count > 0) left.remove_prefix(static_cast<std::size_t>(count));
      if (count <= 0 && errno != EINTR) return false;
    }
    return true;
  }

 private:
  Descriptor input_, output_;
  std::string unread_;
};

// What `action` returns, or the error that it threw: what a library throws may be
// anything.
template <class Action>
json what_happens(Action action) {
  try {
    return action();
  } catch (const Error& error) {
    json answer = {{"error", error.what()}};
    if (error.kind() != ErrorKind::usage) answer["usage"] = false;
    return answer;
  } catch (const std::exception& error) {
    return {{"error", error.what()}, {"usage", false}};
  } catch (...) {
    return {{"error", "threw what is no std::exception"}, {"usage", false}};
  }
}

class Server {
 public:
  explicit Server(Served served) : served_(std::move(served)) {}

  json answer(const std::string& line) {
    return what_happens([&] { return answer_to(document_of(line)); });
  }

 private:
  json answer_to(const json& request) {
    const Members members(
        request, "request",
        {"hello", "from_step_time", "create", "decide", "extend", "save", "load"});
    if (members.has("hello")) return introduction(members.table("hello"));
    if (members.has("from_step_time")) return measured(members.table("from_step_time"));
    if (members.has("create")) return create(members.table("create"));
    if (members.has("decide")) {
      return document(rule().decide(statistics_from(members.at("decide"))));
    }
    if (members.has("extend")) {
      const Statistics statistics = statistics_from(members.at("extend"));
      return {{"batch_size", rule().extended_batch_size(statistics)}};
    }
    if (members.has("save")) return {{"state", rule().save()}};
    rule().load(members.at("load"));
    return json::object();
  }

  json introduction(const json& hello) const {
    const std::int64_t protocol =
        Members(hello, "hello", {"protocol"}).integer("protocol");
    if (protocol != protocol_version) {
      throw Error(ErrorKind::plugin, fmt::format("protocol {} is spoken here, got {}",
                                                 protocol_version, protocol));
    }
    json controllers = json::array();
    for (const Entry& entry : served_.entries) controllers.push_back(document(entry));
    json answer = {{"protocol", protocol_version}, {"controllers", controllers}};
    if (!served_.version.empty()) answer["version"] = served_.version;
    return answer;
  }

  json measured(const json& what) const {
    const Members members(what, "from_step_time",
                          {"controller", "option", "a_seconds", "b_seconds"});
    const std::string& name = members.text("option");
    for (const Option& option : named(members.text("controller")).options) {
      if (option.name != name || !option.from_step_time) continue;
      return {{"value", option.from_step_time(members.number("a_seconds"),
                                              members.number("b_seconds"))}};
    }
    throw Error(ErrorKind::plugin, printable(name) + " is no option that is measured");
  }

  json create(const json& what) {
    const Members members(what, "create", {"controller", "options", "setting"});
    const Members setting(members.at("setting"), "setting", {"training_set_size"});
    const Entry& entry = named(members.text("controller"));
    rule_ =
        entry.make(checked_options(entry.name, entry.options, members.table("options")),
                   {setting.integer("training_set_size")});
    return document(rule_->needs());
  }

  [[nodiscard]] const Entry& named(const std::string& name) const {
    std::vector<std::string> known;
    for (const Entry& entry : served_.entries) {
      if (entry.name == name) return entry;
      known.push_back(entry.name);
    }
    throw unknown_name("controller", name, known);
  }

  [[nodiscard]] Controller& rule() const {
    if (rule_) return *rule_;
    throw Error(ErrorKind::plugin, "no controller has been made");
  }

  Served served_;
  std::unique_ptr<Controller> rule_;
};

}  // namespace

int serve(const std::function<Served()>& load) {
  Lines lines;
  std::optional<Server> server;
  const json failure = what_happens([&] {
    server.emplace(load());
    return json();
  });
  while (const auto line = lines.read()) {
    const json answer = server ? server->answer(*line) : failure;
    if (!lines.write(line_of(answer))) return 1;
  }
  return 0;
}

int serve(const std::vector<Entry>& entries) {
  return serve([&] { return Served{entries, ""}; });
}

}  // namespace batchlab
