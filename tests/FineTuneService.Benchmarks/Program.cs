Console.WriteLine("usage: ./dev bench P1|P9");
