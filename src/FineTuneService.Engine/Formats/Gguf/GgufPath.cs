namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>Where a model is one GGUF file: the path of it, or a folder that has one and no weights of another kind.</summary>
public static class GgufPath
{
    private const string Extension = ".gguf";

    /// <summary>The path of the file; null where the model is not one.</summary>
    /// <param name="model">A model's path.</param>
    /// <exception cref="GgufException">The folder has several.</exception>
    public static string? Of(string model)
    {
        if (!Directory.Exists(model)) return model.EndsWith(Extension, StringComparison.OrdinalIgnoreCase) && File.Exists(model) ? model : null;
        if (ModelFiles.HasOther(model)) return null;
        string[] files = [.. Directory.EnumerateFiles(model, "*" + Extension).Order(StringComparer.Ordinal)];
        return files.Length <= 1 ? files.FirstOrDefault() : throw new GgufException(
            $"the folder has {files.Length} GGUF files ({string.Join(", ", files.Take(3).Select(Path.GetFileName))}{(files.Length > 3 ? ", …" : "")}); give the path of the one that is meant.");
    }
}
