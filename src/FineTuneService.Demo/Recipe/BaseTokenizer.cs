using System.Text.Encodings.Web;
using System.Text.Json;
using FineTuneService.Demo.World;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Demo.Recipe;

/// <summary>Learns the base model's tokenizer from its text, and writes tokenizer.json and tokenizer_config.json.</summary>
internal static class BaseTokenizer
{
    public const string End = "<|end|>";
    private const int VocabularySize = 1024;
    private const int Conversations = 20_000;

    /// <summary>
    /// A name or a number never takes the blank before it into its first token, so it is spelled with the same tokens wherever it
    /// stands: after a blank, a quotation mark or a line feed. A small model learns to copy such a span with far less text.
    /// </summary>
    private const string Words = @" ?\p{Ll}+|\p{Lu}\p{Ll}+|\p{L}+|\p{N}{1,2}|[^\p{L}\p{N}\n]+|\n";

    private const string ChatTemplate =
        "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}" +
        "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

    private static readonly string[] SpecialTokens = ["<|pad|>", End, "<|system|>", "<|user|>", "<|assistant|>"];

    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Write(string folder, ulong seed)
    {
        var texts = WorldText.Conversations(seed).Take(Conversations).SelectMany(c => c.Turns).SelectMany(t => new[] { t.User, t.Assistant });
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), BpeTrainer.Train(texts, VocabularySize, SpecialTokens, Words));
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), JsonSerializer.Serialize(new
        {
            tokenizer_class = "PreTrainedTokenizerFast",
            model_max_length = BaseShape.ContextLength,
            eos_token = End,
            pad_token = SpecialTokens[0],
            clean_up_tokenization_spaces = false,
            chat_template = ChatTemplate,
        }, Readable));
    }
}
