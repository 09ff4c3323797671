using FineTuneService.Hosting;

namespace FineTuneService.Files;

/// <summary>Swagger UI's examples of files.</summary>
internal static class FileExamples
{
    public static readonly FileBody File = new("file-7d2k9x4m1c8v5b3n6q0w2e4r", "file", 184_320, 1764000060, "support.jsonl", "fine-tune", "processed");
    public static readonly Page<FileBody> Files = new([File], false, File.Id, File.Id);
    public static readonly Deleted Deleted = new(File.Id, "file");

    public static readonly FormField[] Form =
    [
        new("purpose", "fine-tune for a dataset to train on, evals for one to evaluate on; batch and user_data are kept as they are.", "fine-tune"),
        new("file", "JSONL or a JSON array of chat messages, prompt/completion or Alpaca rows; one format a file."),
    ];
}
