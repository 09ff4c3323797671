using System.Text;
using System.Text.Json;
using FineTuneService.Demo.World;
using FineTuneService.Engine.Datasets;

namespace FineTuneService.Demo.Recipe;

/// <summary>Conversations as the trainer's rows: loss on the assistant's words only.</summary>
internal sealed class Lesson(RowEncoder encoder, int rowLength)
{
    private const int ConversationsAtOnce = 2000;

    /// <summary>The first <paramref name="rows"/> packed rows of the text.</summary>
    public TrainingRow[] Rows(IEnumerable<Conversation> text, int rows) =>
        [.. RowPacker.Pack(text.Chunk(ConversationsAtOnce).SelectMany(Encode), rowLength).Take(rows)];

    private IReadOnlyList<TrainingRow> Encode(Conversation[] conversations)
    {
        var lines = string.Concat(conversations.Select(c => JsonSerializer.Serialize(new { messages = Messages(c) }) + "\n"));
        return encoder.Encode(Dataset.Read(new MemoryStream(Encoding.UTF8.GetBytes(lines)))).Rows;
    }

    private static IEnumerable<object> Messages(Conversation conversation) => conversation.Turns.SelectMany(turn => new[]
    {
        new { role = "user", content = turn.User },
        new { role = "assistant", content = turn.Assistant },
    });
}
