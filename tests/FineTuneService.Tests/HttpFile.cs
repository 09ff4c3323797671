using System.Text;

namespace FineTuneService.Tests;

/// <summary>One request of a .http file, its variables not yet replaced.</summary>
internal sealed record HttpFileRequest(string Title, HttpMethod Method, string Url, IReadOnlyList<(string Name, string Value)> Headers, IReadOnlyList<string> Body)
{
    /// <param name="fill">Replaces the variables of a text.</param>
    /// <param name="include">The bytes of a file that a body line "&lt; path" names.</param>
    public HttpRequestMessage Build(Func<string, string> fill, Func<string, byte[]> include)
    {
        var message = new HttpRequestMessage(Method, fill(Url));
        var bytes = new MemoryStream();
        foreach (string line in Body)
        {
            bytes.Write(line.StartsWith("< ", StringComparison.Ordinal) ? include(line[2..]) : Encoding.UTF8.GetBytes(fill(line)));
            bytes.Write("\r\n"u8); // Multipart needs it, and JSON does not mind.
        }
        if (Body.Count > 0) message.Content = new ByteArrayContent(bytes.ToArray());
        foreach ((string name, string value) in Headers)
        {
            if (!message.Headers.TryAddWithoutValidation(name, fill(value))) message.Content!.Headers.TryAddWithoutValidation(name, fill(value));
        }
        return message;
    }
}

/// <summary>The .http format of Visual Studio and VS Code: @name = value, requests with ### between them, # for comments.</summary>
internal static class HttpFile
{
    public static (IReadOnlyDictionary<string, string> Variables, IReadOnlyList<HttpFileRequest> Requests) Read(string path)
    {
        var variables = new Dictionary<string, string>();
        var requests = new List<HttpFileRequest>();
        foreach (string part in File.ReadAllText(path).Split("\n###\n"))
        {
            string[] lines = [.. part.Trim().Split('\n')];
            int at = 0;
            string title = "";
            for (; lines[at].Length == 0 || lines[at][0] is '@' or '#'; at++)
            {
                if (lines[at].StartsWith('@')) variables.Add(lines[at][1..lines[at].IndexOf('=')].Trim(), lines[at][(lines[at].IndexOf('=') + 1)..].Trim());
                if (lines[at].StartsWith('#')) title = lines[at][1..].Trim();
            }
            string[] start = lines[at++].Split(' ', 2);
            var headers = new List<(string, string)>();
            for (; at < lines.Length && lines[at].Length > 0; at++) headers.Add((lines[at].Split(": ", 2)[0], lines[at].Split(": ", 2)[1]));
            requests.Add(new HttpFileRequest(title, HttpMethod.Parse(start[0]), start[1], headers, lines.Length > at ? lines[(at + 1)..] : []));
        }
        return (variables, requests);
    }
}
