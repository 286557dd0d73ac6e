#include "cli/completion_scripts.h"

#include <CLI/CLI.hpp>

namespace openclaw::cli {
namespace {

// CLI11 shows the values of IsMember as "TEXT:{a,b}".
std::vector<std::string> choices_in(const std::string& type) {
  std::vector<std::string> out;
  auto open = type.find('{');
  auto close = type.find('}', open == std::string::npos ? 0 : open);
  if (open == std::string::npos || close == std::string::npos) return out;
  std::string inner = type.substr(open + 1, close - open - 1);
  std::size_t at = 0;
  while (at <= inner.size()) {
    auto comma = std::min(inner.find(',', at), inner.size());
    out.push_back(inner.substr(at, comma - at));
    at = comma + 1;
  }
  return out;
}

CompletionFlag flag_of(const CLI::Option& option) {
  CompletionFlag flag;
  for (const auto& name : option.get_lnames()) flag.names.push_back("--" + name);
  for (const auto& name : option.get_snames()) flag.names.push_back("-" + name);
  flag.about = option.get_description();
  flag.takes_value = option.get_expected_max() != 0;
  if (flag.takes_value) flag.choices = choices_in(option.get_type_name());
  return flag;
}

void add_node(const CLI::App& app, const std::string& path, std::vector<CompletionNode>& out) {
  CompletionNode node;
  node.path = path;
  for (const auto* option : app.get_options([](const CLI::Option* each) { return !each->get_group().empty(); })) {
    auto flag = flag_of(*option);
    if (!flag.names.empty()) node.flags.push_back(std::move(flag));
  }
  auto verbs = app.get_subcommands([](const CLI::App* each) { return !each->get_group().empty(); });
  for (const auto* verb : verbs) node.verbs.emplace_back(verb->get_name(), verb->get_description());
  out.push_back(std::move(node));
  for (const auto* verb : verbs) add_node(*verb, path.empty() ? verb->get_name() : path + " " + verb->get_name(), out);
}

std::string joined_words(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

std::vector<std::string> verb_names(const CompletionNode& node) {
  std::vector<std::string> out;
  for (const auto& verb : node.verbs) out.push_back(verb.first);
  return out;
}

std::vector<std::string> flag_names(const CompletionNode& node, bool only_with_value) {
  std::vector<std::string> out;
  for (const auto& flag : node.flags) {
    if (only_with_value && !flag.takes_value) continue;
    out.insert(out.end(), flag.names.begin(), flag.names.end());
  }
  return out;
}

// Inside single quotes; `quote` is how the shell writes one there.
std::string shell_quoted(std::string_view text, std::string_view quote, bool escape_backslash) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'') {
      out += quote;
    } else if (c == '\\' && escape_backslash) {
      out += "\\\\";
    } else {
      out += c == '\n' ? ' ' : c;
    }
  }
  return out + "'";
}

std::string zsh_entry(const std::string& name, const std::string& about) {
  std::string escaped;
  for (char c : name) {
    if (c == ':' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return shell_quoted(escaped + ":" + about, "'\\''", false);
}

constexpr std::string_view kBashTail = R"(
_openclaw() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
  local at='' word i verbs flags valued choices=''
  COMPREPLY=()
  _openclaw_at ''
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $word == -* ]]; then
      [[ " $valued " == *" $word "* ]] && ((i++))
    elif [[ " $verbs " == *" $word "* ]]; then
      at="${at:+$at }$word"
      _openclaw_at "$at"
    fi
  done
  _openclaw_choices "$at" "$prev"
  if [[ -n $choices ]]; then
    COMPREPLY=($(compgen -W "$choices" -- "$cur"))
  elif [[ " $valued " == *" $prev "* ]]; then
    COMPREPLY=($(compgen -f -- "$cur"))
  elif [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$verbs" -- "$cur"))
  fi
}
complete -F _openclaw openclaw
)";

constexpr std::string_view kZshTail = R"(
_openclaw() {
  local at='' word
  local -a verbs flags valued choices names
  integer i
  _openclaw_at ''
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i]
    names=("${(@)verbs%%:*}")
    if [[ $word == -* ]]; then
      (( ${valued[(Ie)$word]} )) && ((i++))
    elif (( ${names[(Ie)$word]} )); then
      at="${at:+$at }$word"
      _openclaw_at "$at"
    fi
  done
  _openclaw_choices "$at" "$words[CURRENT-1]"
  if (( $#choices )); then
    compadd -a choices
  elif (( ${valued[(Ie)$words[CURRENT-1]]} )); then
    _files
  elif [[ $words[CURRENT] == -* ]]; then
    _describe -o flag flags
  elif (( $#verbs )); then
    _describe command verbs
  else
    _files
  fi
}
# Loaded by autoload it is the completion itself; sourced it announces itself.
if [[ $funcstack[1] == _openclaw ]]; then _openclaw "$@"; else compdef _openclaw openclaw; fi
)";

constexpr std::string_view kFishPath = R"(
function __openclaw_path
  set -l words (commandline -opc)
  set -l at ''
  set -l skip 0
  for word in $words[2..-1]
    if test $skip = 1
      set skip 0
    else if string match -q -- '-*' $word
      contains -- $word (__openclaw_valued $at | string split ' '); and set skip 1
    else if contains -- $word (__openclaw_verbs $at | string split ' ')
      set at (string trim -- "$at $word")
    end
  end
  echo $at
end
function __openclaw_at
  test (__openclaw_path | string collect) = "$argv[1]"
end
complete -c openclaw -f
)";

}  // namespace

std::vector<CompletionNode> completion_tree(const CLI::App& app) {
  std::vector<CompletionNode> out;
  add_node(app, "", out);
  return out;
}

std::string bash_script(const std::vector<CompletionNode>& tree) {
  std::string at = "_openclaw_at() {\n  verbs='' flags='' valued=''\n  case \"$1\" in\n";
  std::string choices = "_openclaw_choices() {\n  case \"$1:$2\" in\n";
  for (const auto& node : tree) {
    at += "    '" + node.path + "') verbs='" + joined_words(verb_names(node)) + "'; flags='" +
          joined_words(flag_names(node, false)) + "'; valued='" + joined_words(flag_names(node, true)) + "' ;;\n";
    for (const auto& flag : node.flags) {
      if (flag.choices.empty()) continue;
      for (const auto& name : flag.names) {
        choices += "    '" + node.path + ":" + name + "') choices='" + joined_words(flag.choices) + "' ;;\n";
      }
    }
  }
  return "# bash completion of openclaw; made by: openclaw completion --shell bash\n" + at + "  esac\n}\n" + choices +
         "  esac\n}" + std::string(kBashTail);
}

std::string zsh_script(const std::vector<CompletionNode>& tree) {
  std::string at = "_openclaw_at() {\n  verbs=() flags=() valued=()\n  case \"$1\" in\n";
  std::string choices = "_openclaw_choices() {\n  choices=()\n  case \"$1:$2\" in\n";
  for (const auto& node : tree) {
    at += "    '" + node.path + "')\n      verbs=(";
    for (const auto& [name, about] : node.verbs) at += "\n        " + zsh_entry(name, about);
    at += ")\n      flags=(";
    for (const auto& flag : node.flags) {
      for (const auto& name : flag.names) at += "\n        " + zsh_entry(name, flag.about);
    }
    at += ")\n      valued=(" + joined_words(flag_names(node, true)) + ") ;;\n";
    for (const auto& flag : node.flags) {
      if (flag.choices.empty()) continue;
      for (const auto& name : flag.names) {
        choices += "    '" + node.path + ":" + name + "') choices=(" + joined_words(flag.choices) + ") ;;\n";
      }
    }
  }
  return "#compdef openclaw\n# made by: openclaw completion --shell zsh\n" + at + "  esac\n}\n" + choices +
         "  esac\n}" + std::string(kZshTail);
}

std::string fish_script(const std::vector<CompletionNode>& tree) {
  std::string verbs = "function __openclaw_verbs\n  switch \"$argv\"\n";
  std::string valued = "function __openclaw_valued\n  switch \"$argv\"\n";
  std::string lines;
  for (const auto& node : tree) {
    verbs += "    case '" + node.path + "'\n      echo '" + joined_words(verb_names(node)) + "'\n";
    valued += "    case '" + node.path + "'\n      echo '" + joined_words(flag_names(node, true)) + "'\n";
    std::string head = "complete -c openclaw -n '__openclaw_at \"" + node.path + "\"'";
    for (const auto& [name, about] : node.verbs) {
      lines += head + " -a " + name + " -d " + shell_quoted(about, "\\'", true) + "\n";
    }
    for (const auto& flag : node.flags) {
      lines += head;
      for (const auto& name : flag.names) lines += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (!flag.choices.empty()) {
        lines += " -x -a '" + joined_words(flag.choices) + "'";
      } else if (flag.takes_value) {
        lines += " -r -F";
      }
      lines += " -d " + shell_quoted(flag.about, "\\'", true) + "\n";
    }
  }
  return "# fish completion of openclaw; made by: openclaw completion --shell fish\n" + verbs + "  end\nend\n" + valued +
         "  end\nend" + std::string(kFishPath) + lines;
}

}  // namespace openclaw::cli
