#include "agent/known_providers.h"

#include <algorithm>

namespace openclaw::agent {
namespace {

constexpr const char* kChat = "openai-completions";
constexpr const char* kMessages = "anthropic-messages";

constexpr KnownProvider kKnown[] = {
    {"anthropic", "Anthropic", "ANTHROPIC_API_KEY", kMessages, "https://api.anthropic.com",
     "claude-sonnet-4-5", 200000, true},
    {"openai", "OpenAI", "OPENAI_API_KEY", kChat, "https://api.openai.com/v1", "gpt-5.1", 400000,
     true},
    {"openrouter", "OpenRouter", "OPENROUTER_API_KEY", kChat, "https://openrouter.ai/api/v1",
     "openrouter/auto", 200000, true},
    {"google", "Google Gemini", "GEMINI_API_KEY", kChat,
     "https://generativelanguage.googleapis.com/v1beta/openai", "gemini-2.5-pro", 1000000, true},
    {"groq", "Groq", "GROQ_API_KEY", kChat, "https://api.groq.com/openai/v1",
     "llama-3.3-70b-versatile", 131072, false},
    {"mistral", "Mistral", "MISTRAL_API_KEY", kChat, "https://api.mistral.ai/v1",
     "mistral-large-latest", 128000, false},
    {"deepseek", "DeepSeek", "DEEPSEEK_API_KEY", kChat, "https://api.deepseek.com/v1",
     "deepseek-chat", 128000, false},
    {"xai", "xAI", "XAI_API_KEY", kChat, "https://api.x.ai/v1", "grok-4", 256000, true},
    {"moonshot", "Moonshot", "MOONSHOT_API_KEY", kChat, "https://api.moonshot.ai/v1", "kimi-k2.5",
     256000, true},
    {"zai", "Z.AI", "ZAI_API_KEY", kChat, "https://api.z.ai/api/paas/v4", "glm-5", 200000, true},
    {"together", "Together AI", "TOGETHER_API_KEY", kChat, "https://api.together.xyz/v1",
     "moonshotai/Kimi-K2.5", 256000, true},
    {"venice", "Venice", "VENICE_API_KEY", kChat, "https://api.venice.ai/api/v1", "kimi-k2-5",
     256000, true},
    {"minimax", "MiniMax", "MINIMAX_API_KEY", kMessages, "https://api.minimax.io/anthropic",
     "MiniMax-M2.5", 200000, true},
    {"xiaomi", "Xiaomi MiMo", "XIAOMI_API_KEY", kMessages, "https://api.xiaomimimo.com/anthropic",
     "mimo-v2-flash", 256000, false},
    {"qianfan", "Qianfan", "QIANFAN_API_KEY", kChat, "https://qianfan.baidubce.com/v2",
     "deepseek-v3.2", 98304, true},
};

}  // namespace

std::span<const KnownProvider> known_providers() {
  return kKnown;
}

const KnownProvider* known_provider(std::string_view id) {
  const auto* found = std::ranges::find_if(kKnown, [&](const auto& known) { return known.id == id; });
  return found == std::end(kKnown) ? nullptr : found;
}

}  // namespace openclaw::agent
