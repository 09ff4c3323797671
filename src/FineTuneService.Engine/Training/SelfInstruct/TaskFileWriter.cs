using System.Text.Encodings.Web;
using System.Text.Json;

namespace FineTuneService.Engine.Training.SelfInstruct;

/// <summary>Writes tasks as a training file of Alpaca rows, one for each instance.</summary>
public static class TaskFileWriter
{
    private static readonly JsonSerializerOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the rows as they come; the file is there under its name once all of them are.</summary>
    /// <param name="path">Replaced where it is there.</param>
    /// <returns>Rows.</returns>
    public static async Task<int> Write(string path, IAsyncEnumerable<SeedTask> tasks, CancellationToken cancel = default)
    {
        string unfinished = path + ".unfinished";
        int rows = 0;
        try
        {
            await using (var file = new StreamWriter(unfinished))
            {
                await foreach (SeedTask task in tasks.WithCancellation(cancel))
                {
                    foreach (TaskInstance instance in task.Instances)
                    {
                        await file.WriteAsync(JsonSerializer.Serialize(new { instruction = task.Instruction, input = instance.Input, output = instance.Output }, Format) + "\n");
                        rows++;
                    }
                }
            }
            File.Move(unfinished, path, overwrite: true);
            return rows;
        }
        catch
        {
            File.Delete(unfinished);
            throw;
        }
    }
}
