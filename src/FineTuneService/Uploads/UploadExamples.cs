using FineTuneService.Files;
using FineTuneService.Hosting;

namespace FineTuneService.Uploads;

/// <summary>Swagger UI's examples of uploads.</summary>
internal static class UploadExamples
{
    public static readonly CreateUploadRequest Create = new() { Filename = "support.jsonl", Purpose = "fine-tune", Bytes = 184_320, MimeType = "application/jsonl" };
    public static readonly UploadBody Pending = new("upload-5h7j9l1z3x5c7v9b1n3m5q7w", "upload", 184_320, 1764000050, "support.jsonl", "fine-tune", Upload.Pending, 1764003650);
    public static readonly UploadPartBody Part = new("part-8k0l2z4x6c8v0b2n4m6q8w0e", "upload.part", 1764000055, Pending.Id);
    public static readonly CompleteUploadRequest Complete = new() { PartIds = [Part.Id] };
    public static readonly UploadBody Completed = Pending with { Status = Upload.Completed, File = FileExamples.File };
    public static readonly UploadBody Cancelled = Pending with { Status = Upload.Cancelled };
    public static readonly FormField[] Form = [new("data", "Bytes of the file, up to 64 MB.")];
}
