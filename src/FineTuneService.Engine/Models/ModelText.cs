using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Formats.Gguf;
using FineTuneService.Engine.Tokenizers;
using FineTuneService.Engine.Tokenizers.Conversion;

namespace FineTuneService.Engine.Models;

/// <summary>
/// What a model's folder says beside its weights: its shape, tokenizer and templates. It holds no tensor, so any thread may make
/// prompts and rows with it, whatever the device does.
/// </summary>
/// <param name="Folder">Where it was read from.</param>
/// <param name="Tokenizer">Null where there is neither tokenizer.json nor tokenizer.model, nor one in a GGUF file.</param>
/// <param name="ChatTemplate">How a conversation becomes a prompt, or null where the folder says nothing about it.</param>
/// <param name="PromptTemplate">What a merged model's adapter was trained with; null for a base.</param>
/// <param name="EosIds">Tokens that end an answer.</param>
public sealed record ModelText(
    string Folder, ModelConfig Config, Tokenizer? Tokenizer, ChatTemplate? ChatTemplate, PromptTemplate? PromptTemplate, IReadOnlyList<int> EosIds)
{
    private const string TokenizerFile = "tokenizer.json";

    /// <summary>Tokenizer, chat template and generation settings: they go with a model's weights.</summary>
    internal static readonly string[] SideFiles =
        [TokenizerFile, SentencePieceTokenizer.FileName, TokenizerConfig.FileName, "special_tokens_map.json", "added_tokens.json", "generation_config.json", ChatTemplateFiles.FileName];

    /// <exception cref="ModelException">A file is missing or cannot be used; the message names it, and says why.</exception>
    public static ModelText Load(string folder)
    {
        if (!Directory.Exists(folder) && GgufPath.Of(folder) is null) throw new ModelException($"the folder {folder} is not there.");
        ModelConfig config = ModelConfig.Load(folder);
        foreach (string name in SideFiles) RequireReadable(folder, name);
        Tokenizer? tokenizer = Understood(TokenizerBlame(folder), () => Tokenizer.Exists(folder)) ? Understood(TokenizerBlame(folder), () => Tokenizer.Load(folder)) : null;
        string templateFile = FolderFile.Exists(folder, ChatTemplateFiles.FileName) ? ChatTemplateFiles.FileName : TokenizerConfig.FileName;
        return new ModelText(
            folder, config, tokenizer, Understood(() => templateFile, () => ChatTemplate.Load(folder)), Understood(() => "prompt_template.json", () => PromptTemplateFile.Load(folder)),
            StopTokens.Of(folder, config, tokenizer));
    }

    /// <exception cref="ModelException">There is none.</exception>
    public Tokenizer RequireTokenizer() => Tokenizer ?? throw new ModelException($"{TokenizerFile} is missing, and so is {SentencePieceTokenizer.FileName}: without one of them no text becomes tokens.");

    /// <summary>Checks the weights too: every tensor of the config is there, in its shape, and finite. Nothing of them is kept.</summary>
    /// <exception cref="ModelException">A tensor is missing, misshapen, or not part of the model.</exception>
    /// <exception cref="TensorFileException">A weights file cannot be used, or a tensor holds NaN or infinity.</exception>
    public void CheckWeights()
    {
        using ModelFiles files = ModelFiles.Open(Folder);
        Checkpoint.Check(Config, files);
    }

    /// <summary>Bytes of the files of weights.</summary>
    public static long WeightBytes(string folder) => Directory.Exists(folder)
        ? Directory.EnumerateFiles(folder).Where(IsWeights).Sum(FolderFile.Length) : FolderFile.Length(folder);

    private static bool IsWeights(string path) => Path.GetExtension(path) is ".safetensors" or ".gguf" || Path.GetFileName(path) is var name && name.StartsWith("pytorch_model", StringComparison.Ordinal) && name.EndsWith(".bin", StringComparison.Ordinal);

    /// <summary>Whether a folder that was checked once still holds its model: its config, and weights of the config's shapes. Cheap enough for each request.</summary>
    /// <exception cref="ModelException">It does not.</exception>
    /// <exception cref="TensorFileException">A weights file is missing or damaged.</exception>
    public static void RequireWhole(string folder)
    {
        ModelConfig config = ModelConfig.Load(folder);
        using ModelFiles files = ModelFiles.Open(folder);
        Checkpoint.CheckHeaders(config, files);
    }

    private static void RequireReadable(string folder, string name)
    {
        if (FolderFile.Problem(folder, name) is { } problem) throw new ModelException(problem + ".");
        if (name.EndsWith(".json", StringComparison.Ordinal) && FolderFile.Exists(folder, name))
            JsonSettings.Parse(File.ReadAllText(Path.Combine(folder, name)), name, message => new ModelException(message));
    }

    /// <summary>Reads a file that somebody brought: what its reader throws is the file's fault, and is said in the file's terms.</summary>
    /// <param name="file">Its name, asked where the reading failed.</param>
    private static T Understood<T>(Func<string> file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception refused) when (refused is TokenizerException or ChatTemplateException or TensorFileException or InvalidDataException && !NamesTypes(refused))
        {
            string message = refused.Message.TrimEnd('.') + ".";
            throw new ModelException(message.Contains(".json", StringComparison.Ordinal) || refused is TensorFileException ? message : $"{file()}: {message}");
        }
        catch (Exception broken) when (broken is not OutOfMemoryException)
        {
            // .NET's sentences about its own types would help nobody.
            string reason = NamesTypes(broken) ? "" : $" ({broken.Message.TrimEnd('.')})";
            throw new ModelException($"{file()} cannot be used: a field is missing or has the wrong type{reason}.");
        }
    }

    private static bool NamesTypes(Exception error) => error.Message.Contains("System.", StringComparison.Ordinal);

    /// <summary>Which file a failing tokenizer is due to: tokenizer.json where it fails by itself, or one beside it.</summary>
    private static Func<string> TokenizerBlame(string folder) => () =>
    {
        try
        {
            if (ModelTextFiles.Read(folder, TokenizerFile) is not { } json) return SentencePieceTokenizer.FileName;
            Tokenizer.Parse(json);
            return TokenizerConfig.FileName;
        }
        catch (Exception)
        {
            return TokenizerFile;
        }
    };
}
