using System.Text;
using FineTuneService.Data;
using FineTuneService.Hosting;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace FineTuneService.Files;

/// <summary>
/// A multipart body with the fields purpose and file, read as it arrives: the file goes straight to the blob store, and nothing of it
/// stays where the upload is cut off.
/// </summary>
internal sealed class MultipartUpload(HttpRequest request, string tenant, BlobStore blobs, long limit)
{
    private const int LongestField = 1024;

    private static readonly string[] Purposes = ["fine-tune", "batch", "evals", "user_data"];

    public static bool Is(HttpRequest request) =>
        MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? type) && type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase);

    public static IResult Malformed() =>
        Errors.BadRequest("The multipart body ended early or is malformed; nothing of it was kept. Send it again.", "invalid_multipart");

    public string? Filename { get; private set; }
    public string? Purpose { get; private set; }
    public string? Sha256 { get; private set; }
    public long Bytes { get; private set; }

    /// <summary>Reads the body; an answer where it cannot be taken.</summary>
    public async Task<IResult?> Read(CancellationToken cancel)
    {
        string? boundary = HeaderUtilities.RemoveQuotes(MediaTypeHeaderValue.Parse(request.ContentType).Boundary).Value;
        if (string.IsNullOrEmpty(boundary)) return Errors.BadRequest("The multipart body names no boundary; let your HTTP client make the Content-Type.", "invalid_multipart");
        try
        {
            var reader = new MultipartReader(boundary, request.Body);
            while (await reader.ReadNextSectionAsync(cancel) is { } section)
            {
                if (await Field(section, cancel) is { } refusal) return refusal;
            }
        }
        catch (BlobStore.TooLargeException tooLarge)
        {
            return Errors.Make(413, $"{tooLarge.Message} FineTune:MaxUploadBytes is the limit; split the dataset.", "file_too_large", "file");
        }
        catch (Exception cut) when (cut is IOException or InvalidDataException)
        {
            return Malformed();
        }
        if (Sha256 is null) return Errors.BadRequest("Missing required parameter: 'file'.", "missing_required_parameter", "file");
        if (Purpose is null) return Errors.BadRequest("Missing required parameter: 'purpose'; datasets have purpose fine-tune.", "missing_required_parameter", "purpose");
        return null;
    }

    /// <summary>A small field, as UTF-8 whatever charset its part names: what is no purpose in UTF-8 is refused as one that is not known.</summary>
    private static async Task<string> Text(MultipartSection section, CancellationToken cancel)
    {
        var bytes = new byte[LongestField];
        int length = await section.Body.ReadAtLeastAsync(bytes, LongestField, throwOnEndOfStream: false, cancel);
        await section.Body.CopyToAsync(Stream.Null, cancel);
        return Encoding.UTF8.GetString(bytes, 0, length);
    }

    private async Task<IResult?> Field(MultipartSection section, CancellationToken cancel)
    {
        if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out ContentDispositionHeaderValue? disposition))
            return Errors.BadRequest("A part of the multipart body has no Content-Disposition.", "invalid_multipart");
        string name = HeaderUtilities.RemoveQuotes(disposition.Name).Value ?? "";
        switch (name)
        {
            case "file" when Sha256 is null:
                string given = HeaderUtilities.RemoveQuotes(disposition.FileNameStar.HasValue ? disposition.FileNameStar : disposition.FileName).Value ?? "upload";
                Filename = Path.GetFileName(given.Replace('\\', '/'));
                (Sha256, Bytes) = await blobs.Put(tenant, section.Body, limit, cancel);
                return null;
            case "purpose":
                Purpose = await Text(section, cancel);
                return Purposes.Contains(Purpose) ? null : Errors.BadRequest($"purpose must be one of {string.Join(", ", Purposes)}.", param: "purpose");
            default:
                return Errors.BadRequest($"Unknown parameter: '{Errors.Clip(name)}'. An upload has the fields purpose and file.", "unknown_parameter", Errors.Clip(name));
        }
    }
}
