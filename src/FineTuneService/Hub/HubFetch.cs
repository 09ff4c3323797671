using System.Security.Cryptography;
using FineTuneService.Data;
using FineTuneService.Engine.Formats;

namespace FineTuneService.Hub;

/// <summary>
/// Fetches one file. What has arrived lies under another name until it is whole and its checksum is right; a connection that breaks, or a service
/// that is killed, goes on from there.
/// </summary>
/// <param name="arrived">Told of bytes as they come; negative where some are given up.</param>
internal sealed class HubFetch(HubClient client, HubSource source, string commit, string? token, string folder, Action<long> arrived)
{
    private const string Unfinished = ".partial";
    private const int BufferBytes = 256 * 1024;

    /// <summary>A connection on which nothing comes for so long is broken.</summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(60), Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Bytes of a file that are there already.</summary>
    public long Has(HubFile file) => Length(Path.Combine(folder, file.Name)) ?? Length(Partial(file)) ?? 0;

    /// <param name="most">Bytes that it may have at most.</param>
    /// <exception cref="HubException">It cannot be had as it is.</exception>
    public async Task Fetch(HubFile file, long most, CancellationToken cancel)
    {
        string whole = Path.Combine(folder, file.Name), partial = Partial(file);
        if (File.Exists(whole)) return; // It has its name since its checksum was right.
        bool resumed = File.Exists(partial);
        while (true)
        {
            await Complete(file, partial, most, cancel);
            if (await Task.Run(() => IsRight(file, partial), cancel)) break;
            arrived(-Length(partial)!.Value);
            File.Delete(partial);
            // What an earlier connection brought may be to blame; a second time it is the hub.
            if (!resumed) throw new HubException("checksum_mismatch", $"'{file.Path}' did not arrive as the hub describes it (its checksum is another). Try again later, or tell the repository's owner.");
            resumed = false;
        }
        Durable.MoveFile(partial, whole);
    }

    /// <summary>Fetches what is missing, over as many connections as it takes.</summary>
    private async Task Complete(HubFile file, string partial, long most, CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                await HubRetry.Pipeline.ExecuteAsync(async token =>
                {
                    long begun = Length(partial) ?? 0;
                    try
                    {
                        await Append(file, partial, most, token);
                    }
                    catch (HubTroubleException trouble) when (Length(partial) > begun)
                    {
                        throw new BrokenOffException(trouble);
                    }
                }, cancel);
                return;
            }
            catch (BrokenOffException broken)
            {
                // Something came: the way to the hub works, and pauses need not grow.
                await Task.Delay(broken.Trouble.RetryAfter ?? Pause, cancel);
            }
            catch (HubTroubleException trouble)
            {
                throw HubRetry.GivenUp(trouble);
            }
        }
    }

    /// <summary>One connection's bytes.</summary>
    private async Task Append(HubFile file, string partial, long most, CancellationToken cancel)
    {
        await using FileStream to = Written(() => new FileStream(partial, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, bufferSize: 0));
        if (to.Length > file.Size) Truncate(to, 0);
        if (to.Length == file.Size) return;
        if (await client.Open(source, commit, file.Path, to.Length, token, cancel) is not var (answer, from))
        {
            // There is nothing behind what is here. Where the size is known, what is here is not that file's.
            if (file.Size is null) return;
            Truncate(to, 0);
            throw new HubTroubleException($"the hub has no bytes of '{file.Path}' beyond those that have arrived");
        }
        using HttpResponseMessage open = answer;
        if (from < to.Length) Truncate(to, from);
        to.Position = from;
        await Copy(file, await answer.Content.ReadAsStreamAsync(cancel), to, Math.Min(most, file.Size ?? most), cancel);
        Written(() =>
        {
            to.Flush(flushToDisk: true);
            return true;
        });
        if (to.Length < file.Size) throw new HubTroubleException($"'{file.Path}' broke off after {to.Length} of {file.Size} bytes");
    }

    private async Task Copy(HubFile file, Stream from, FileStream to, long most, CancellationToken cancel)
    {
        byte[] buffer = new byte[BufferBytes];
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        while (true)
        {
            silence.CancelAfter(LongestSilence);
            int read;
            try
            {
                read = await from.ReadAsync(buffer, silence.Token);
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                throw new HubTroubleException($"nothing of '{file.Path}' came for {LongestSilence.TotalSeconds:0} seconds");
            }
            catch (Exception failure) when (failure is HttpRequestException or IOException)
            {
                throw new HubTroubleException($"the connection broke while '{file.Path}' came: {failure.Message.TrimEnd('.')}", cause: failure);
            }
            if (read == 0) return;
            if (to.Position + read > most) throw new HubException("file_too_large", $"'{file.Path}' is larger than {(file.Size is null ? "such a file may be" : "the hub describes it")}; it is not fetched.");
            Written(() =>
            {
                to.Write(buffer, 0, read);
                return true;
            });
            arrived(read);
        }
    }

    private void Truncate(FileStream to, long length)
    {
        arrived(length - to.Length);
        to.SetLength(length);
    }

    private static bool IsRight(HubFile file, string path)
    {
        long size = Length(path) ?? 0;
        using IncrementalHash? hash = file.Hash(size);
        if (hash is null) return file.Size is null || size == file.Size;
        using FileStream read = File.OpenRead(path);
        byte[] buffer = new byte[BufferBytes];
        for (int count; (count = read.Read(buffer)) > 0;) hash.AppendData(buffer, 0, count);
        return Convert.ToHexStringLower(hash.GetHashAndReset()) == file.Checksum;
    }

    private static T Written<T>(Func<T> write)
    {
        try
        {
            return write();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw StorageFaults.Of(failure) == StorageFault.Full
                ? new HubException("insufficient_storage", "The disk is full. Free some space, and register the base again to go on with what has arrived.")
                : new HubException("storage_failed", $"The data directory cannot be written to: {failure.Message.TrimEnd('.')}.");
        }
    }

    private string Partial(HubFile file) => Path.Combine(folder, file.Name + Unfinished);

    private static long? Length(string path) => File.Exists(path) ? new FileInfo(path).Length : null;

    /// <summary>A connection that brought something and then broke.</summary>
    private sealed class BrokenOffException(HubTroubleException trouble) : Exception(trouble.Message, trouble)
    {
        public HubTroubleException Trouble => trouble;
    }
}
