using System.Text;

using OrleansInference.AspNetCore.Protocol;

namespace OrleansInference.AspNetCore.Tests.Hosting;

/// <summary>What a splitter makes of a body that comes in pieces.</summary>
internal static class Splitting
{
    /// <summary>The documents, one character for each byte, and behind them what is wrong with the body, if anything is.</summary>
    public static List<string> Split(params IEnumerable<byte[]> pieces)
    {
        var splitter = new RequestSplitter();
        var found = new List<string>();
        byte[] left = [];
        byte[][] all = [.. pieces];
        try
        {
            for (var piece = 0; piece < all.Length; piece++)
            {
                byte[] known = left;
                left = [.. left, .. all[piece]];
                while (TryRead(splitter, ref left, known.Length, piece == all.Length - 1, out var document))
                {
                    found.Add(Encoding.Latin1.GetString(document));
                    known = [];
                }
            }
        }
        catch (InferenceException exception)
        {
            Assert.Equal(InferenceError.InvalidArgument, exception.Error);
            found.Add(exception.Message);
        }

        return found;
    }

    private static bool TryRead(RequestSplitter splitter, ref byte[] bytes, int known, bool isLast, out byte[] document)
    {
        // What has been looked at may be anything by now.
        byte[] shown = [.. Enumerable.Repeat((byte)'"', known), .. bytes.AsSpan(known)];
        var sequence = known > 0 && known < bytes.Length ? Segments.Cut(shown, known) : new(shown);
        var isWhole = splitter.TryRead(sequence, isLast, out var part);
        var start = (int)sequence.Slice(0, part.Start).Length;
        document = bytes[start..(start + (int)part.Length)];
        bytes = bytes[(isWhole ? start + document.Length : start)..];
        return isWhole;
    }
}
